// swift-tools-version: 6.2
// This example as a program of its own: what a team copies and goes on from.
import PackageDescription

let package = Package(
    name: "chat-example",
    dependencies: [.package(name: "millrace", path: "../..")],
    targets: [
        .executableTarget(
            name: "chat-server",
            dependencies: [
                .product(name: "Millrace", package: "millrace"), .product(name: "MillraceServer", package: "millrace"),
                .product(name: "MillraceTaskHandlers", package: "millrace"),
            ])
    ]
)
