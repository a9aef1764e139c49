import Millrace
import MillraceCore

/// The tool `calculate`: exact arithmetic, which models get wrong.
enum CalculateTool {
    static let name = "calculate"
    /// How many digits an approximation has.
    private static let digits = 30

    static func make() throws(MillraceError) -> Tool {
        try Tool(
            name: name,
            description: "Works out an arithmetic expression exactly, such as (1299 - 40) * 1.19 / 12 or round(2/3, 2). "
                + "Use it for every calculation.",
            arguments: [
                "type": "object", "additionalProperties": false, "required": ["expression"],
                "properties": [
                    "expression": [
                        "type": "string", "minLength": 1, "maxLength": .integer(ArithmeticExpression.longest),
                        "description": .string(
                            "Numbers with a point as decimal mark and no separators of thousands, + - * / ^, % for the remainder, "
                                + "parentheses, abs, ceil, floor, max, min, round(x, places)"),
                    ]
                ],
            ]
        ) { arguments, call in
            let expression = arguments["expression"]?.string ?? ""
            return try await call.run.runBlocking { try result(of: expression) }
        }
    }

    /// `{"result": "2.5"}`; what no decimal says exactly also has its fraction.
    static func result(of expression: String) throws(MillraceError) -> JSONValue {
        let value = try ArithmeticExpression.value(expression)
        if let exact = value.decimal { return ["result": .string(exact)] }
        var members: [String: JSONValue] = ["result": .string(try value.approximation(digits: digits)), "is_rounded": true]
        if value.fraction.utf8.count <= 100 { members["fraction"] = .string(value.fraction) }
        return .object(members)
    }
}
