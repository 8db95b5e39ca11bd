//! Back end: integer IR to a portable C header.
