//! In which of a few lists each client stands, in an order: joining, leaving and looking at the first take constant time and no memory.
//!
//! Knows nothing of what the lists mean.

const NONE: u32 = u32::MAX;

#[derive(Clone, Copy, Debug)]
struct Link {
    list: u8,
    before: u32,
    after: u32,
}

const LOOSE: Link = Link { list: u8::MAX, before: NONE, after: NONE };

/// `N` lists over the items `0..len`, each item in one of them at most.
#[derive(Debug)]
pub struct Lists<const N: usize> {
    links: Vec<Link>,
    ends: [(u32, u32); N],
    lengths: [usize; N],
}

impl<const N: usize> Default for Lists<N> {
    fn default() -> Self {
        Self { links: Vec::new(), ends: [(NONE, NONE); N], lengths: [0; N] }
    }
}

impl<const N: usize> Lists<N> {
    /// One more item, in no list.
    pub fn grow(&mut self) {
        self.links.push(LOOSE);
    }

    /// The first of a list.
    pub fn first(&self, list: usize) -> Option<usize> {
        let first = self.ends[list].0;
        (first != NONE).then_some(first as usize)
    }

    /// How many stand in a list.
    pub fn len(&self, list: usize) -> usize {
        self.lengths[list]
    }

    /// In which list an item stands.
    pub fn of(&self, item: usize) -> Option<usize> {
        let list = self.links[item].list;
        (list != LOOSE.list).then_some(usize::from(list))
    }

    /// Moves an item to the end of a list, out of where it stood.
    pub fn push(&mut self, list: usize, item: usize) {
        self.insert(list, item, |_| true);
    }

    /// Moves an item into a list: behind the last one that `may_precede` it, looked for from the end.
    pub fn insert(&mut self, list: usize, item: usize, may_precede: impl Fn(usize) -> bool) {
        self.remove(item);
        let (mut before, mut after) = (self.ends[list].1, NONE);
        while before != NONE && !may_precede(before as usize) {
            after = before;
            before = self.links[before as usize].before;
        }
        self.links[item] = Link { list: list as u8, before, after };
        self.join(list, before, item as u32);
        self.join(list, item as u32, after);
        self.lengths[list] += 1;
    }

    /// Takes an item out of whatever list it stands in.
    pub fn remove(&mut self, item: usize) {
        let Some(list) = self.of(item) else { return };
        let Link { before, after, .. } = std::mem::replace(&mut self.links[item], LOOSE);
        self.join(list, before, after);
        self.lengths[list] -= 1;
    }

    /// Makes two items neighbours; either can be the edge of the list.
    fn join(&mut self, list: usize, before: u32, after: u32) {
        match self.links.get_mut(before as usize) {
            Some(link) => link.after = after,
            None => self.ends[list].0 = after,
        }
        match self.links.get_mut(after as usize) {
            Some(link) => link.before = before,
            None => self.ends[list].1 = before,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Whatever is done, the lists hold what plain vectors would.
        #[test]
        fn lists_behave_like_vectors(steps in proptest::collection::vec((0_usize..4, 0_usize..12), 0..200)) {
            let mut lists = Lists::<2>::default();
            for _ in 0..12 {
                lists.grow();
            }
            let mut model: [Vec<usize>; 2] = Default::default();
            for (step, item) in steps {
                for list in &mut model {
                    list.retain(|i| *i != item);
                }
                match step {
                    0 | 1 => {
                        lists.push(step, item);
                        model[step].push(item);
                    }
                    // List 1 as one that is kept in order as far as the pushes left it so.
                    2 => {
                        lists.insert(1, item, |other| other <= item);
                        let at = model[1].iter().rposition(|other| *other <= item).map_or(0, |at| at + 1);
                        model[1].insert(at, item);
                    }
                    _ => lists.remove(item),
                }
                for (n, expected) in model.iter().enumerate() {
                    prop_assert_eq!(lists.len(n), expected.len());
                    prop_assert_eq!(lists.first(n), expected.first().copied());
                    prop_assert!(expected.iter().all(|item| lists.of(*item) == Some(n)));
                }
            }
            for (n, expected) in model.iter().enumerate() {
                let mut got = Vec::new();
                while let Some(item) = lists.first(n) {
                    got.push(item);
                    lists.remove(item);
                }
                prop_assert_eq!(&got, expected);
            }
        }
    }
}
