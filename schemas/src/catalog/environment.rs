use crate::table::NodeTable;

/// The root of the graph, made by load from the run: it has no resource.
pub static ENVIRONMENT: NodeTable = NodeTable {
    label: "WorkOSEnvironment",
    extra_labels: &["Tenant"],
    columns: &[],
    left_out: &[],
    doc: "A WorkOS environment; its id is the client id.",
};
