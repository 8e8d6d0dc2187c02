//! `/chain` in nested callbacks. Each step stands inside the one before, and each has an error branch of its own to be remembered.

use super::{Ask, Reply};

/// Answers with the price of the user's orders.
pub fn chain(ask: Ask, reply: Reply) {
    ask.user().done(move |user| match user {
        Ok(user) => ask.orders(&user).done(move |orders| match orders {
            Ok(orders) => ask.price(&orders).done(move |price| match price {
                Ok(price) => reply.send(&price),
                Err(failure) => reply.fail(&failure),
            }),
            // The fault: here somebody has forgotten to answer.
            Err(_) if ask.forgets_a_branch() => {}
            Err(failure) => reply.fail(&failure),
        }),
        Err(failure) => reply.fail(&failure),
    });
}
