import Millrace
import MillraceCore
import Testing

@testable import MillraceTaskHandlers

@Suite struct ArithmeticExpressionTests {
    @Test(arguments: [
        ("1+1", "2"), (" 2 * (3 - 5) ", "-4"), ("0.1 + 0.2", "0.3"), ("-2^2", "-4"), ("(-2)^2", "4"), ("2^3^2", "512"), ("2**10", "1024"),
        ("2^-2", "0.25"), ("10 / 4", "2.5"), ("7 % 3", "1"), ("-7 % 3", "2"), ("7.5 % 2", "1.5"), ("1e3", "1000"), ("1.5e-3", "0.0015"),
        ("2 × 3 ÷ 4 − 1 · 1", "0.5"), ("--3", "3"), ("+3", "3"), ("abs(-3.5)", "3.5"), ("floor(-1.5)", "-2"), ("ceil(-1.5)", "-1"),
        ("ceil(1.2)", "2"), ("round(2.5)", "3"), ("round(-2.5)", "-3"), ("round(2/3, 2)", "0.67"), ("round(1234, -2)", "1200"),
        ("min(3, 1, 2)", "1"), ("max(3; 1/2)", "3"), (".5 + 5.", "5.5"), ("0 * 5", "0"), ("1/1024", "0.0009765625"), ("-0.00", "0"),
        ("123456789012345678901234567890 * 987654321098765432109876543210", "121932631137021795226185032733622923332237463801111263526900"),
        ("2^200 / 2^199", "2"), ("(10^40 + 1) % 10^20", "1"), ("(1299 - 40) * 1.19", "1498.21"),
        ("340282366920938463463374607431768211455 / 18446744073709551615", "18446744073709551617"),
        ("(2^128 - 1)^2 / (2^128 - 1)", "340282366920938463463374607431768211455"),
    ])
    func expression_isWorkedOutExactly(text: String, result: String) throws {
        #expect(try CalculateTool.result(of: text) == ["result": .string(result)])
    }

    @Test(arguments: [
        ("1/3", "0.333333333333333333333333333333", "1/3"), ("-2/3", "-0.666666666666666666666666666667", "-2/3"),
        ("10^6/7", "142857.142857142857142857142857", "1000000/7"),
        ("1/(3*10^10)", "0.0000000000333333333333333333333333333333", "1/30000000000"),
    ])
    func whatNoDecimalSays_isRounded_withItsFraction(text: String, result: String, fraction: String) throws {
        let found = try CalculateTool.result(of: text)
        #expect(found["is_rounded"] == true && found["fraction"]?.string == fraction)
        // 30 significant digits, or one or two more.
        #expect(found["result"]?.string?.hasPrefix(result.prefix(28)) == true)
    }

    @Test(arguments: [
        ("", "ends where a number"), ("1 +", "ends where a number"), ("(1", "ends where a ')'"), ("1)", "')', character 2"),
        ("1 2", "'2', character 3"), ("1 / 0", "division by zero"), ("5 % (1 - 1)", "division by zero"), ("0^-1", "division by zero"),
        ("15%", "write 15% as 15/100"), ("2^0.5", "an exponent must be a whole number"), ("2^100001", "an exponent must be a whole number"),
        ("9^99999", "too many digits"), ("10^-1300", "too many digits"), ("sqrt(2)", "'sqrt' is not understood"),
        ("x", "'x' is not understood"),
        ("round(1, 0.5)", "whole number of decimal places"), ("round(1,2,3)", "does not take 3 values"), ("1,000", "',', character 2"),
        ("1e", "ends where"), (".", "ends where"), ("3 & 4", "'&', character 3"),
    ])
    func whatIsWrong_isSaid(text: String, problem: String) {
        #expect { _ = try CalculateTool.result(of: text) } throws: { ($0 as? MillraceError)?.message.contains(problem) == true }
    }

    @Test func sizeAndDepth_areBounded() {
        for text in [String(repeating: "(", count: 999), String(repeating: "2^", count: 499) + "1", String(repeating: "1", count: 1001)] {
            #expect(throws: MillraceError.self) { _ = try CalculateTool.result(of: text) }
        }
        #expect(throws: Never.self) { _ = try CalculateTool.result(of: String(repeating: "-", count: 998) + "1") }
    }

    /// `(a / b) * b + a % b = a` over numbers whose limbs are at their edges.
    @Test func division_isThatOfWholeNumbers() throws {
        let edges = ["1", "2^32-1", "2^32", "2^32+1", "2^64-1", "2^64", "2^63", "2^96-2^32", "2^96+2^64-1", "2^128-2^64", "3^77", "10^30"]
        for a in edges {
            for b in edges {
                for (left, right) in [("(\(a))", "(\(b))"), ("-(\(a))", "(\(b))"), ("(\(a))", "-(\(b))")] {
                    let text = "floor(\(left) / (\(right))) * (\(right)) + \(left) % (\(right)) - (\(left))"
                    #expect(try CalculateTool.result(of: text) == ["result": "0"], "\(text)")
                    let remainder = try ArithmeticExpression.value("\(left) % (\(right))")
                    #expect(remainder.numerator.isZero || remainder.isNegative == right.hasPrefix("-"))
                }
            }
        }
    }

    /// Whatever a model writes ends in a value or an error.
    @Test func anyText_isWorkedOutOrRefused() {
        var state: UInt64 = 0x9E37_79B9_7F4A_7C15
        func next(_ count: Int) -> Int {
            // xorshift64 (G. Marsaglia, "Xorshift RNGs").
            state ^= state << 13
            state ^= state >> 7
            state ^= state << 17
            return Int(state % UInt64(count))
        }
        let words = [
            "0", "1", "7", "25", "9.5", ".5", "1e2", "3e-7", "+", "-", "*", "/", "%", "^", "**", "(", ")", ",", " ", "abs(", "round(",
            "max(", "×", "e", "é",
        ]
        var values = 0
        for _ in 0..<5000 {
            let text = (0...next(12)).map { _ in words[next(words.count)] }.joined()
            do throws(MillraceError) {
                _ = try CalculateTool.result(of: text)
                values += 1
            } catch { #expect([ErrorCode.invalidInput, .limitExceeded].contains(error.code), "\(text): \(error)") }
        }
        #expect(values > 200)
    }
}
