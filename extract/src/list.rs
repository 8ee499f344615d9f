//! One list: a resource, asked for as a whole or for one parent.

use std::fmt;

use schemas::catalog::Resource;
use schemas::stream::ParentIds;
use url::Url;
use url::form_urlencoded::byte_serialize;

/// A list of the API.
#[derive(Debug, Clone)]
pub(crate) struct List {
    pub resource: &'static Resource,
    pub parent: Option<ParentIds>,
}

/// Parameters of one request, besides those of the catalog.
pub(crate) type Query = Vec<(&'static str, String)>;

impl List {
    /// The request for a page of it.
    pub(crate) fn url<'a>(&self, base: &Url, query: impl IntoIterator<Item = &'a (&'static str, String)>) -> Url {
        let request = &self.resource.request;
        let mut url = base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            let path = request.path.split('/').filter(|s| !s.is_empty());
            segments.pop_if_empty().extend(path.map(|segment| self.fill(segment)));
        }
        // Values of the catalog and of `query` are lists of words: their commas stay as the specification has them.
        let fixed = request.query.iter().map(|(name, value)| format!("{name}={value}"));
        let ids = request.parent_query.iter().map(|(name, key)| format!("{name}={}", encoded(self.id(key))));
        let more = query.into_iter().map(|(name, value)| format!("{name}={}", encoded(value).replace("%2C", ",")));
        let query: Vec<String> = fixed.chain(ids).chain(more).collect();
        url.set_query(if query.is_empty() { None } else { Some(query.join("&")) }.as_deref());
        url
    }

    fn fill<'a>(&'a self, segment: &'a str) -> &'a str {
        match segment.strip_prefix('{').and_then(|s| s.strip_suffix('}')) {
            Some(key) => self.id(key),
            None => segment,
        }
    }

    fn id(&self, key: &str) -> &str {
        self.parent.as_ref().and_then(|p| p.get(key)).map_or("", String::as_str)
    }
}

fn encoded(text: &str) -> String {
    byte_serialize(text.as_bytes()).collect()
}

impl fmt::Display for List {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`", self.resource.name)?;
        for (i, (key, id)) in self.parent.iter().flatten().enumerate() {
            write!(f, "{} {key} `{id}`", if i == 0 { " of" } else { "," })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(name: &str, parent: &[(&str, &str)]) -> List {
        let ids: ParentIds = parent.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        List { resource: Resource::find(name).unwrap(), parent: (!ids.is_empty()).then_some(ids) }
    }

    #[test]
    fn requests_follow_the_catalog() {
        let base = Url::parse("http://127.0.0.1:1/v1/").unwrap();
        let url = |list: &List, query: &Query| {
            list.url(&base, query).as_str().trim_start_matches("http://127.0.0.1:1").to_owned()
        };
        let limit = vec![("limit", "100".to_owned()), ("after", "a&b,c".to_owned())];
        assert_eq!(url(&list("users", &[]), &limit), "/v1/user_management/users?limit=100&after=a%26b,c");
        assert_eq!(url(&list("roles", &[]), &vec![]), "/v1/authorization/roles");
        let memberships = list("organization_memberships", &[("organization_id", "o/1 &x")]);
        assert_eq!(
            url(&memberships, &vec![]),
            "/v1/user_management/organization_memberships?statuses=active,inactive,pending&organization_id=o%2F1+%26x"
        );
        let roles = list("organization_roles", &[("organization_id", "o/1?#")]);
        assert_eq!(url(&roles, &vec![]), "/v1/authorization/organizations/o%2F1%3F%23/roles");
        let users = list("directory_group_users", &[("directory_id", "d"), ("group_id", "g")]);
        assert_eq!(url(&users, &vec![]), "/v1/directory_users?directory=d&group=g");
        assert_eq!(users.to_string(), "`directory_group_users` of directory_id `d`, group_id `g`");
    }
}
