import Glibc
import MillraceCore
import MillraceTemplates
import Testing

/// Templates and what Jinja2 makes of them: equal output, and errors where it has errors. ``ExplainedDifference`` has the rest.
@Suite struct JinjaDifferentialTests {
    /// How many templates are made by chance: `MILLRACE_DIFFERENTIAL_ROUNDS`, else enough for every run of the tests.
    static let rounds = getenv("MILLRACE_DIFFERENTIAL_ROUNDS").flatMap { Int(String(cString: $0)) } ?? 600
    static let seed = getenv("MILLRACE_DIFFERENTIAL_SEED").flatMap { Int(String(cString: $0)) } ?? 1

    @Test func templates_areRenderedAsByJinja2_orTheDifferenceIsExplained() throws {
        guard let reference = try JinjaReference.rendered(seed: Self.seed, count: Self.rounds) else { return }
        var equal = 0
        var bothFail = 0
        var explained: [ExplainedDifference: Int] = [:]
        var unexplained = 0
        for item in reference.cases {
            let ours = Self.render(item, reference)
            switch (ours, item.output) {
            case (.success(let output), let expected?) where PythonLike.equal(output, expected): equal += 1
            case (.failure, nil): bothFail += 1
            default:
                if let difference = ExplainedDifference.of(ours, item) {
                    explained[difference, default: 0] += 1
                } else {
                    unexplained += 1
                    if unexplained <= 25 {
                        Issue.record("\(item.id): \(item.template)\n  ours:  \(ours)\n  jinja: \(item.output ?? item.error ?? "")")
                    }
                }
            }
        }
        #expect(unexplained == 0, "of \(reference.cases.count): \(equal) equal, \(bothFail) fail in both, \(explained)")
        // A generator or a loader that fails at once would find no difference.
        #expect(equal * 10 > reference.cases.count * 5, "\(equal) equal, \(bothFail) fail in both, \(explained)")
        print("Jinja2: \(equal) equal, \(bothFail) fail in both, \(explained.map { "\($0.value) \($0.key)" }.sorted())")
    }

    static func render(_ item: JinjaReference.Case, _ reference: JinjaReference) -> Result<String, TemplateError> {
        var sources = reference.shared
        sources["case"] = item.template
        do throws(TemplateError) {
            let environment = TemplateEnvironment(loader: InMemoryTemplateLoader(sources), options: item.options)
            return .success(try environment.render("case", reference.contexts[item.context] ?? [:]))
        } catch { return .failure(error) }
    }
}

/// Python's equality of texts: character by character.
enum PythonLike {
    static func equal(_ left: String, _ right: String) -> Bool { left.unicodeScalars.elementsEqual(right.unicodeScalars) }
}
