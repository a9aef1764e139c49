import Testing

@testable import MillraceExtraction

@Suite struct NumberFormatTests {
    @Test(
        arguments: [
            ("General", 0.1, "0.1"), ("General", 1234567, "1234567"), ("General", -2.5, "-2.5"), ("0", 2.5, "2"), ("0.00", 1.005, "1.00"),
            ("0.00", 2.675, "2.67"), ("#,##0", 1234567.4, "1,234,567"), ("#,##0.00", -1234.5, "-1,234.50"), ("0%", 0.256, "26%"),
            ("0.0%", 0.256, "25.6%"), ("#,##0.00 \"kg\"", 12, "12.00 kg"), ("[$€-407] #,##0.00", 5, "€ 5.00"),
            ("\"$\"#,##0;[Red](\"$\"#,##0)", -7, "($7)"),
            ("0.0,", 12345, "12.3"), ("0;-0;\"none\"", 0, "none"), ("#.##", 1.5, "1.5"), ("# ?/?", 1.5, "1.5"), ("0.00E+00", 1500, "1500"),
            ("@", 3, "3"),
            ("yyyy-mm-dd", 45352, "2024-03-01"), ("d/m/yy h:mm", 45352.5729166667, "2024-03-01 13:45:00"), ("h:mm AM/PM", 0.5, "12:00:00"),
            ("[h]:mm", 1.25, "30:00:00"), ("mm:ss", 0.000694444, "00:01:00"), ("mmm yy", 45352, "2024-03-01"), ("yyyy", 59, "1900-02-28"),
            ("yyyy", 61, "1900-03-01"), ("yyyy", -1, "-1"), ("\"day\" 0", 4, "day 4"), ("0.00_);(0.00)", 1.25, "1.25"),
        ] as [(String, Double, String)])
    func number_isShownByItsCode(code: String, value: Double, text: String) {
        #expect(NumberFormat(code: code).text(value, epoch1904: false) == text)
    }

    @Test func builtInFormats_areKnown() {
        #expect(NumberFormat(builtIn: 14)?.text(45352, epoch1904: false) == "2024-03-01")
        #expect(NumberFormat(builtIn: 14)?.text(0, epoch1904: true) == "1904-01-01")
        #expect(NumberFormat(builtIn: 10)?.text(0.125, epoch1904: false) == "12.50%")
        #expect(NumberFormat(builtIn: 0) == .general)
        #expect(NumberFormat(builtIn: 164) == nil)
    }
}

@Suite struct SheetCellsTests {
    @Test(arguments: [("A1", 1), ("Z9", 26), ("AA1", 27), ("XFD1", 16384), ("XFE1", nil), ("12", nil), ("", nil)] as [(String, Int?)])
    func column_isThatOfTheReference(reference: String, column: Int?) { #expect(SheetCells.column(reference) == column) }
}
