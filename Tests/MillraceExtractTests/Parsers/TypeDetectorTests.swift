import MillraceCore
import Testing

@testable import MillraceExtraction

@Suite struct TypeDetectorTests {
    @Test(
        arguments: [
            ("%PDF-1.7\n", nil, .pdf), ("junk\n%PDF-1.4", nil, .pdf), ("<!DOCTYPE html><p>", nil, .html),
            ("  <!-- c --><HTML>", nil, .html),
            ("<?xml version='1.0'?><html xmlns='x'>", .text, .html), ("<p>a fragment", nil, .html), ("<h3>a</h3>", .html, .html),
            ("# Title", .markdown, .markdown), ("# Title", nil, .text), ("a,b", .csv, .csv), ("a,b", .pdf, .text), ("", nil, .text),
            ("<html>", .csv, .html), ("BZh is a name", nil, .text), ("GIF89a, too", nil, .text), ("MZ", nil, .text),
            ("<tablet>", nil, .text),
            ("\u{1B}[1mbold", nil, .text), ("#!/bin/sh\necho", nil, .text),
        ] as [(String, DocumentKind?, DocumentKind)])
    func text_isTold(head: String, declared: DocumentKind?, kind: DocumentKind) {
        #expect(TypeDetector.detect(Array(head.utf8), declared: declared) == .document(kind))
    }

    @Test(
        arguments: [
            [0x7F, 0x45, 0x4C, 0x46, 2, 1, 1], [0x4D, 0x5A, 0x90, 0x00, 0x03], [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A],
            [0xFF, 0xD8, 0xFF, 0xE0],
            [0x47, 0x49, 0x46, 0x38, 0x39, 0x61, 0x00], [0x1F, 0x8B, 8], [0x42, 0x5A, 0x68, 0x39, 0x00],
            [0x00, 0x00, 0x00, 0x18, 0x66, 0x74, 0x79, 0x70, 1, 1, 1, 1],
            [0x01, 0x02, 0x03], [0x61, 0x00, 0x62], [UInt8]("{\\rtf1 hello".utf8), [UInt8]("%!PS-Adobe".utf8),
        ] as [[UInt8]])
    func whatIsNoDocument_isUnsupported(head: [UInt8]) {
        guard case .unsupported(let what) = TypeDetector.detect(head, declared: .text) else {
            Issue.record("\(TypeDetector.detect(head, declared: .text))")
            return
        }
        #expect(!what.isEmpty)
    }

    @Test func containers_areTold() {
        #expect(TypeDetector.detect([0x50, 0x4B, 3, 4], declared: nil) == .zip)
        #expect(TypeDetector.detect([0xD0, 0xCF, 0x11, 0xE0, 0xA1, 0xB1, 0x1A, 0xE1], declared: nil) == .compound)
    }

    @Test(
        arguments: [
            ("application/pdf", "", .pdf), ("text/plain; charset=utf-8", "md", .markdown), ("text/plain", "", .text),
            ("text/markdown", "txt", .markdown),
            ("application/octet-stream", "CSV", .csv), ("", "exe", nil), ("", "", nil),
        ] as [(String, String, DocumentKind?)])
    func declaration_isTypeOrEnding(type: String, ending: String, kind: DocumentKind?) throws {
        let options = try ExtractOptions(["--mime-type", type, "--ending", ending])
        #expect(options.declared == kind)
    }
}
