//! How well a text answers what somebody has typed: the whole word, its beginning, a part of it, or its letters in their order.
//!
//! Knows texts only. Case does not count, and a Chinese character is a letter like any other.

/// How well a text answers; the smaller, the better.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Match {
    /// 0 for the very same text, up to a few dozen for scattered letters.
    pub score: u32,
    /// Which characters of the text answer, from 0, rising.
    pub places: Vec<usize>,
}

/// The longest gap between two letters that still counts as the same word.
const GAP: usize = 8;

/// Whether and how well a text answers one word. Scattered letters count only where the text is a name, not a sentence.
pub fn answers(word: &str, text: &str, name: bool) -> Option<Match> {
    let word: Vec<char> = word.chars().flat_map(char::to_lowercase).collect();
    // One lower-case character for each, so that places stay places.
    let text: Vec<char> = text.chars().map(|c| c.to_lowercase().next().unwrap_or(c)).collect();
    if word.is_empty() {
        return Some(Match { score: 0, places: Vec::new() });
    }
    if let Some((score, at)) = whole(&word, &text) {
        return Some(Match { score, places: (at..at + word.len()).collect() });
    }
    if !name || word.len() < 2 {
        return None;
    }
    scattered(&word, &text)
}

/// The best place where the word stands as it is.
fn whole(word: &[char], text: &[char]) -> Option<(u32, usize)> {
    let found = (0..text.len()).filter(|at| text[*at..].starts_with(word));
    found
        .map(|at| {
            let begins = at == 0 || !text[at - 1].is_alphanumeric();
            let score = match (at, begins) {
                (0, _) if text.len() == word.len() => 0,
                (0, _) => 1,
                (_, true) => 2,
                (_, false) => 4,
            };
            (score, at)
        })
        .min()
}

/// The word's letters in their order, each as early as it comes, from the best beginning on.
fn scattered(word: &[char], text: &[char]) -> Option<Match> {
    let beginnings = (0..text.len()).filter(|at| text[*at] == word[0]);
    beginnings
        .filter_map(|start| {
            let mut places = vec![start];
            for letter in &word[1..] {
                let from = places[places.len() - 1] + 1;
                let step = text[from..].iter().take(GAP).position(|c| c == letter)?;
                places.push(from + step);
            }
            let spread = places[places.len() - 1] + 1 - start - word.len();
            let middle = start > 0 && text[start - 1].is_alphanumeric();
            Some(Match { score: 6 + spread as u32 + u32::from(middle) * 4, places })
        })
        .min_by_key(|found| found.score)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn score(word: &str, text: &str) -> Option<u32> {
        answers(word, text, true).map(|found| found.score)
    }

    #[test]
    fn the_nearer_the_better() {
        let texts = ["panic", "panic in a callback", "catch panic", "dispanic", "p a n i c"];
        let scores: Vec<_> = texts.iter().map(|text| score("Panic", text).unwrap()).collect();
        assert!(scores.is_sorted_by(|a, b| a < b), "{scores:?}");
        assert_eq!(score("panic", "pan"), None);
        assert_eq!(score("回调", "计算回调"), Some(4));
    }

    #[test]
    fn scattered_letters_find_names_and_no_sentences() {
        let found = answers("wkp", "worker pool", true).unwrap();
        assert_eq!(found.places, [0, 3, 7]);
        assert_eq!(answers("wkp", "worker pool", false), None);
        assert_eq!(score("wx", "worker pool, xx"), None, "too far apart");
        assert_eq!(score("x", "worker"), None);
    }

    #[test]
    fn what_answers_is_where_it_says() {
        let text = "Ünïcode 停顿 read until EAGAIN";
        for word in ["ünï", "停顿", "until", "rue", "eagain"] {
            let found = answers(word, text, true).unwrap();
            let letters: String = found.places.iter().map(|at| text.chars().nth(*at).unwrap()).collect();
            assert_eq!(letters.to_lowercase(), word);
        }
    }
}
