//! `/chain` as a chain of promises. Each step stands below the one before, and an error of any falls down to the one `catch`.

use super::{Ask, Reply};

/// Answers with the price of the user's orders.
pub fn chain(ask: &Ask, reply: &Reply) {
    let (orders, price) = (ask.clone(), ask.clone());
    let (good, bad) = (reply.clone(), reply.clone());
    ask.user()
        .promise()
        .then(move |user| orders.orders(&user).promise())
        .then(move |orders| price.price(&orders).promise())
        .then(move |price| good.send(&price))
        .catch(move |failure| bad.fail(&failure));
}
