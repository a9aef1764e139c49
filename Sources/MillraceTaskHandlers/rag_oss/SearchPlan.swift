/// What is searched for.
struct SearchPlan: Equatable, Sendable {
    /// What is searched for by words, each for itself.
    var keywordQueries: [String]
    /// What is searched for by meaning: the question so that it stands for itself.
    var semanticQuery: String
    /// What a follow-up takes over from the questions before it.
    var topic: [String] = []

    /// The plan with a further keyword query, in the place of the last where there are as many as there may be: a model's queries may miss
    /// the point, the user's own words do not. Of a single one it stays the model's.
    func adding(_ query: String, limit: Int) -> SearchPlan {
        guard limit > 1, !keywordQueries.contains(query) else { return self }
        var plan = self
        plan.keywordQueries = keywordQueries.prefix(limit - 1) + [query]
        return plan
    }
}
