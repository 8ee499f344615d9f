//! A record's members, sorted into the slots that its plan has for them.

use schemas::json::{self, Scanner, Span};

use crate::line::Member;
use crate::plan::{Capture, RecordPlan, Taken};
use crate::value;

/// The values of one record by slot, and what else stands in it.
#[derive(Debug, Default)]
pub struct Slots {
    pub values: Vec<Option<Span>>,
    /// Members that go to `extra`.
    pub extra: Vec<Member>,
    /// For each capture, by its number, which member followed which: records repeat their members in one order.
    follow: Vec<Vec<usize>>,
}

impl Slots {
    /// Sorts a record's members into slots. Of members with one key the first counts.
    pub fn fill(&mut self, text: &str, members: &[Member], plan: &RecordPlan) -> Result<(), json::Error> {
        self.values.clear();
        self.values.resize(plan.paths.len(), None);
        self.extra.clear();
        if self.follow.len() < plan.captures {
            self.follow.resize(plan.captures, Vec::new());
        }
        let wants_extra = plan.table.is_some();
        let mut last = 0;
        for member in members {
            let key = member.key.of(text);
            let Some(at) = self.find(&plan.capture, key, &mut last) else {
                if wants_extra && !self.extra.iter().any(|m| same_key(m.key.of(text), key)) {
                    self.extra.push(*member);
                }
                continue;
            };
            let captured = &plan.capture.members[at];
            if self.values[captured.slot].is_some() {
                continue;
            }
            self.values[captured.slot] = Some(member.value);
            let rest = self.inner(text, member.value, &captured.inner)?;
            let untaken = match captured.taken {
                Taken::Whole => false,
                Taken::No => true,
                Taken::Part(None) => rest,
                Taken::Part(Some(name)) => has_others(member.value.of(text), name),
            };
            if untaken && wants_extra {
                self.extra.push(*member);
            }
        }
        Ok(())
    }

    /// The captured member of that key; the one that followed `last` in the record before is tried first.
    fn find(&mut self, capture: &Capture, key: &str, last: &mut usize) -> Option<usize> {
        let members = &capture.members;
        let follow = &mut self.follow[capture.number];
        follow.resize(members.len() + 1, 0);
        let guess = follow[*last];
        let at = if members.get(guess).is_some_and(|m| value::is_key(key, m.name)) {
            guess
        } else {
            members.iter().position(|m| value::is_key(key, m.name))?
        };
        follow[*last] = at;
        *last = at + 1;
        Some(at)
    }

    /// Fills the slots within an object; true if it has members that none of them takes.
    fn inner(&mut self, text: &str, object: Span, capture: &Capture) -> Result<bool, json::Error> {
        if capture.members.is_empty() || !object.of(text).starts_with('{') {
            return Ok(false);
        }
        let mut rest = false;
        let mut last = 0;
        let start = object.start;
        let mut deeper: Vec<(usize, Span)> = Vec::new();
        let object = object.of(text);
        Scanner::new(object).object(|scanner, key| {
            let value = scanner.value()?;
            let Some(at) = self.find(capture, key.of(object), &mut last) else {
                rest |= !same_key(key.of(object), "\"object\"");
                return Ok(());
            };
            let captured = &capture.members[at];
            if self.values[captured.slot].is_none() {
                let value = Span { start: start + value.start, end: start + value.end, ..value };
                self.values[captured.slot] = Some(value);
                if !captured.inner.members.is_empty() {
                    deeper.push((at, value));
                }
            }
            Ok(())
        })?;
        for (at, value) in deeper {
            self.inner(text, value, &capture.members[at].inner)?;
        }
        Ok(rest)
    }
}

fn same_key(a: &str, b: &str) -> bool {
    a == b || (a.contains('\\') || b.contains('\\')) && json::text(a).is_some_and(|a| json::text(b) == Some(a))
}

/// True if an object in the list has members besides `name` and `object`.
fn has_others(list: &str, name: &str) -> bool {
    list.starts_with('[')
        && json::elements(list).into_iter().any(|element| {
            let mut others = false;
            let walked = Scanner::new(element).object(|scanner, key| {
                others |= json::text(key.of(element)).is_none_or(|key| key != name && key != "object");
                scanner.value().map(drop)
            });
            walked.is_ok() && others
        })
}
