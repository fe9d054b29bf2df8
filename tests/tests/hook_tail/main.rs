//! `hook tail` as a process.

#![cfg(unix)]

mod following;
mod journal;
mod manual;
mod printing;
mod subscribing;
mod support;
