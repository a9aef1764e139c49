/// What is searched for.
struct SearchPlan: Equatable, Sendable {
    /// What is searched for by words, each for itself.
    var keywordQueries: [String]
    /// What is searched for by meaning: the question so that it stands for itself.
    var semanticQuery: String
    /// What a follow-up takes over from the questions before it.
    var topic: [String] = []
}
