/// One quotable stretch of a source: a sentence, a heading, a list item, a table row or a piece of code.
struct Sentence: Equatable, Sendable {
    enum Kind: Equatable, Sendable {
        case prose, heading, listItem, row, code
    }

    /// The words as they stand in the source, without surrounding white space.
    var text: String
    /// Which source, an index into the material's sources.
    var source: Int
    /// Where the words stand: offsets into the source's UTF-8.
    var range: Range<Int>
    /// Which block of the source, from 1; blank lines separate blocks, a code fence is one.
    var paragraph: Int
    var kind: Kind
    /// The heading above, as it stands in the source.
    var heading: String?
}
