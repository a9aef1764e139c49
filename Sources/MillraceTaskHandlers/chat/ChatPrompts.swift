// Made by `millrace prompts embed` of the templates in prompts/. Change those, and make it anew.
// swift-format-ignore-file
/// The templates of prompts/ by their names there.
enum ChatPrompts {
    static let files: [String: String] = [
        "system.xml.j2": #"""
{{ persona|safe }}

"""#,
    ]
}
