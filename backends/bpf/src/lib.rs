//! Back end: wraps the C header as an XDP or tc program.
