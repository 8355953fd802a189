//! A driver that was written from its documentation alone, for a store that was not made for Atlas. It passes the suite
//! of all drivers.

mod driver;
mod stand;
mod store;
