import MillraceCore
import MillraceTemplates

extension FuzzTarget {
    private static let variables: [String: JSONValue] = [
        "a": 1, "b": [1, 2.5, "x", nil, true], "c": ["k": ["v", 2], "n": nil], "d": "a text <b>&amp; more</b>\nof two lines",
        "e": [["k": 1], ["k": 2]],
    ]

    /// A prompt template, and a second behind a line of five equals signs that it may name as `other`: refused with a place that it has, or
    /// rendered within the limits, twice the same.
    static let templates = FuzzTarget("templates") { (bytes) throws(Disagreement) in
        let mark = Array("\n=====\n".utf8)
        let place = bytes.indices.first { bytes[$0...].starts(with: mark) }
        let source = String(decoding: bytes[..<(place ?? bytes.endIndex)], as: UTF8.self)
        let other =
            place.map { String(decoding: bytes[($0 + mark.count)...], as: UTF8.self) }
            ?? "{% macro m(x) %}{{ x }}{{ caller }}{% endmacro %}"
        var limits = TemplateLimits()
        limits.steps = 20_000
        limits.outputBytes = 1 << 16
        for undefined in [TemplateOptions.Undefined.strict, .lenient] {
            var options = TemplateOptions()
            options.undefined = undefined
            options.trimBlocks = undefined == .lenient
            options.lstripBlocks = undefined == .lenient
            let loader = InMemoryTemplateLoader(["case.xml": source, "other": other])
            let environment = TemplateEnvironment(loader: loader, options: options, limits: limits)
            let first = outcome(environment)
            try expectEqual(outcome(environment), first, "a template rendered again")
            switch first {
            case .success(let output): try expect(output.utf8.count <= limits.outputBytes, "\(output.utf8.count) bytes of output")
            case .failure(let error):
                let text = error.template == "other" ? other : source
                let lines = text.unicodeScalars.reduce(1) { $0 + ($1 == "\n" || $1 == "\r" ? 1 : 0) }
                try expect(
                    (1...lines).contains(error.line) && error.column >= 1, "an error in \(error.line):\(error.column) of \(lines) lines")
                try expect(!error.message.isEmpty, "an error without words")
            }
        }
    }

    private static func outcome(_ environment: TemplateEnvironment) -> Result<String, TemplateError> {
        do throws(TemplateError) {
            _ = try environment.undeclaredVariables(of: "case.xml")
            return .success(try environment.render("case.xml", variables))
        } catch { return .failure(error) }
    }
}
