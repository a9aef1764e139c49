import MillraceCore

/// The filters that templates have.
enum FilterName: String, CaseIterable, Sendable {
    case abs, attr, batch, capitalize, center, `default`, dictsort, escape, first, float, forceescape, format, groupby, indent, int, items,
        join,
        last, length, list, lower, map, max, min, reject, rejectattr, replace, reverse, round, safe, select, selectattr, slice, sort,
        string,
        striptags, sum, title, tojson, trim, truncate, unique, upper, urlencode, wordcount, wordwrap

    private static let aliases: [String: FilterName] = ["d": .default, "e": .escape, "count": .length]
    /// Filters of Jinja2 that are not here, with the reason.
    private static let unsupported: [String: String] = [
        "pprint": "use tojson(indent=2)", "random": "a prompt is the same for the same variables", "urlize": "it makes links for web pages",
        "xmlattr": "write the attributes", "filesizeformat": "use round or format",
    ]

    init?(_ name: String) {
        guard let filter = FilterName(rawValue: name) ?? Self.aliases[name] else { return nil }
        self = filter
    }

    /// What to say of a filter that does not exist.
    static func unknown(_ name: String) -> String {
        if let advice = unsupported[name] { return "the filter '\(name)' is not supported: \(advice)" }
        let names = (allCases.map(\.rawValue) + aliases.keys).sorted()
        return "there is no filter '\(name)'\(Suggestion.phrase(for: name, among: names)) (there are \(names.joined(separator: ", ")))"
    }
}

/// The tests that templates have.
enum TestName: String, CaseIterable, Sendable {
    case boolean, callable, defined, divisibleby, eq, escaped, even, `false`, filter, float, ge, gt, `in`, integer, iterable, le, lower, lt,
        mapping, ne, none, number, odd, sequence, string, test, `true`, undefined, upper

    private static let aliases: [String: TestName] = [
        "equalto": .eq, "==": .eq, "!=": .ne, "greaterthan": .gt, ">": .gt, ">=": .ge, "lessthan": .lt, "<": .lt, "<=": .le,
    ]

    init?(_ name: String) {
        guard let test = TestName(rawValue: name) ?? Self.aliases[name] else { return nil }
        self = test
    }

    /// What to say of a test that does not exist.
    static func unknown(_ name: String) -> String {
        if name == "sameas" { return "the test 'sameas' is not supported: use '==', 'is none' or 'is true'" }
        let names = (allCases.map(\.rawValue) + aliases.keys.filter { $0.utf8.first.map { $0 > 64 } ?? false }).sorted()
        return "there is no test '\(name)'\(Suggestion.phrase(for: name, among: names)) (there are \(names.joined(separator: ", ")))"
    }
}
