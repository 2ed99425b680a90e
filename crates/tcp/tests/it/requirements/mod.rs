//! What RFC 9293 asks for by label and no story shows: by its sections.

mod closing;
mod interface;
mod marks;
mod opening;
mod options;
mod segments;
mod waiting;
