//! What Atlas keeps on clusters: namespaces, apps and their objects. The tests run on a small API server of their own, and on any
//! cluster whose kubeconfig `ATLAS_TEST_KUBECONFIG` names.

#[allow(missing_docs, dead_code, reason = "it is a server by itself, of which the tests use a part")]
pub mod api;
mod apis;
mod argocd;
mod cases;
mod conditions;
mod conflicts;
mod conformance;
mod drift;
pub mod harness;
#[cfg(feature = "crash-points")]
mod killed;
mod matrix;
mod namespaces;
mod order;
mod ownership;
mod rollouts;
mod rules;
mod scale;
mod secrets;
mod stand;
mod transcripts;
mod trouble;
mod twenty;
mod undecided;
