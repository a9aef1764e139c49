import MillraceAWS
import MillraceCounterparts
import Testing

@Suite(.ownThreads) struct DynamoDBValueTests {
    @Test(arguments: [
        ("0", 0), ("-0", 0), ("12", 12), ("-7", -7), ("9223372036854775807", Int.max), ("-9223372036854775808", Int.min),
        ("9223372036854775808", nil), ("1E+3", 1000), ("1e3", 1000), ("-1.20E+1", -12), ("1200E-2", 12), ("12.00", 12), ("0.5", nil),
        ("0.0", 0),
        ("0E+100", 0), ("1E+30", nil), ("1E-1", nil), ("10E-1", 1), ("100E-1000000000000", nil), ("1E+19", nil),
        ("1E+18", 1_000_000_000_000_000_000),
        ("", nil), ("abc", nil), ("1.x", nil), ("1E", nil), (".", nil), ("-", nil), ("1E-9223372036854775808", nil),
        ("1E+9223372036854775807", nil), ("1.-2", nil), ("0.000", 0), ("-0.00", 0), (".5", nil),
    ])
    func number_isAnIntegerHoweverItIsWritten(_ text: String, _ expected: Int?) { #expect(DynamoDBValue.number(text).integer == expected) }

    @Test func accessors_giveTheirOwnKindOnly() {
        let values: [DynamoDBValue] = [
            "a", 1, .binary([1]), true, .null, ["k": "v"], ["x"], .stringSet(["s"]), .numberSet(["1"]), .binarySet([[1]]),
        ]
        #expect(values.compactMap(\.string) == ["a"])
        #expect(values.compactMap(\.number) == ["1"])
        #expect(values.compactMap(\.double) == [1])
        #expect(values.compactMap(\.binary) == [[1]])
        #expect(values.compactMap(\.bool) == [true])
        #expect(values.filter(\.isNull).count == 1)
        #expect(values.compactMap(\.map) == [["k": "v"]])
        #expect(values.compactMap(\.list) == [["x"]])
        #expect(values.compactMap(\.stringSet) == [["s"]])
        #expect(values.compactMap(\.numberSet) == [["1"]])
        #expect(values.compactMap(\.binarySet) == [[[1]]])
        #expect(values[5]["k"] == "v" && values[5]["none"] == nil && values[6][0] == "x" && values[6][1] == nil && values[6][-1] == nil)
    }

    @Test func numbersOfSwift_areWrittenAsDecimals() {
        #expect(DynamoDBValue.number(-5) == .number("-5"))
        #expect(DynamoDBValue.number(UInt64.max) == .number("18446744073709551615"))
        #expect(DynamoDBValue.number(0.1) == .number("0.1"))
        #expect(DynamoDBValue.number(Double.infinity) == nil && DynamoDBValue.number(Double.nan) == nil)
        #expect(DynamoDBValue.number("1E+125").double == 1e125)
    }
}
