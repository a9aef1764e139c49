extension RetrievedSources {
    /// Passages that nobody had to search for, such as those of a document that is read whole: each a source, in this order.
    public init(_ passages: [CollectionPassage]) {
        self.init(
            RetrievalResults(
                sources: passages.map { RetrievedSource(number: 0, passages: [$0], score: 1) }, mode: .keyword, notices: [],
                isCollectionEmpty: passages.isEmpty))
    }
}
