//! The words and values of the language, and the reader that collects what is wrong with them.

pub(crate) mod names;
pub(crate) mod node;
pub(crate) mod suggest;
pub(crate) mod units;
pub(crate) mod value;
pub mod vocabulary;

pub(crate) use names::Names;
