//! A driver that nobody but its documentation helped to write, in a world that nobody made for Atlas: it passes the suite
//! that every driver passes.

mod driver;
mod stand;
mod store;
