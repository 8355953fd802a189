//! The files of a chart.

use std::rc::Rc;

/// How many bytes one file of a chart may have.
pub(super) const FILE_SIZE: usize = 5 << 20;
/// A file of a chart.
#[derive(Clone, Debug)]
pub struct ChartEntry {
    /// The path in the chart.
    pub name: String,
    /// What is in it.
    pub data: Rc<[u8]>,
}

/// The data of a file without a byte order mark.
pub(super) fn without_mark(data: &[u8]) -> Rc<[u8]> {
    data.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(data).into()
}
