//! What to ask in each round. Pure.
