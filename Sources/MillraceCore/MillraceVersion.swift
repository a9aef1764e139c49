/// Which Millrace this is.
package enum MillraceVersion {
    /// The version, as `millrace --version` prints it.
    package static let current = "0.1.0"
}
