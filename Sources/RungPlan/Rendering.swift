import RungCore
import RungModel

/// Where things lie in a step's workspace. Part of what a key means: the rules may not change under `rung/key/1`.
public enum WorkspaceLayout {
  /// Where everything of Rung's own lies.
  public static let own = ".rung"

  /// The path of another step's output: `.rung/in/fit.metrics/fit.json`. `fileName` is the last component of the
  /// output's declared path.
  public static func input(_ reference: StepOutput, fileName: String) -> String {
    "\(inputFolder(reference))/\(fileName)"
  }

  /// The path of a collected table.
  public static func table(_ reference: StepOutput) -> String { "\(inputFolder(reference))/table.csv" }

  /// The path of a summary of replicates.
  public static func summary(_ reference: StepOutput) -> String { "\(inputFolder(reference))/summary.csv" }

  /// The path of a directory of collected files.
  public static func inputFolder(_ reference: StepOutput) -> String {
    let name = String(reference.source.split(separator: ":").first ?? "")
    return "\(own)/in/\(name)"
  }
}

/// The values that fill the references of one instance's templates.
public struct Substitution: Sendable {
  /// Parameters by name.
  public var parameters: [String: JSON]
  /// Axis values by name.
  public var axes: [String: AxisValue]
  /// For each named input the paths in the workspace.
  public var inputs: [String: [String]]
  /// For each output its path in the workspace.
  public var outputs: [String: String]
  /// For each output of another step, by the text between the braces, its path in the workspace.
  public var steps: [String: String]

  /// Values for references; empty ones to start from.
  public init(
    parameters: [String: JSON] = [:], axes: [String: AxisValue] = [:], inputs: [String: [String]] = [:],
    outputs: [String: String] = [:], steps: [String: String] = [:]
  ) {
    self.parameters = parameters
    self.axes = axes
    self.inputs = inputs
    self.outputs = outputs
    self.steps = steps
  }

  /// The texts that a reference stands for: one, or one for each file of a glob.
  public func texts(of reference: Reference) -> [String] {
    switch reference {
    case .parameter(let name, let path):
      var value = parameters[name] ?? .null
      for member in path { value = value[member] ?? .null }
      return [Self.text(of: value)]
    case .axis(let name, let field):
      guard let value = axes[name]?.value else { return [""] }
      return [Self.text(of: field.flatMap { value[$0] } ?? value)]
    case .input(let name): return inputs[name] ?? []
    case .output(let name): return [outputs[name] ?? ""]
    case .step(let output): return [steps[output.source] ?? ""]
    }
  }

  /// A value as it appears in a command: strings as they are, numbers as written, lists and maps as compact JSON.
  public static func text(of value: JSON) -> String {
    switch value {
    case .string(let text), .number(let text): text
    case .null: ""
    default: value.compact
    }
  }

  /// The template filled in as it is, without quoting: for paths, variables and single arguments.
  public func plain(_ template: Template) -> String {
    template.segments.map { segment in
      switch segment {
      case .literal(let text): text
      case .reference(let reference): texts(of: reference).joined(separator: " ")
      }
    }.joined()
  }

  /// The template filled in for a shell: every value quoted so that it is one word.
  public func shell(_ template: Template) -> String {
    template.segments.map { segment in
      switch segment {
      case .literal(let text): text
      case .reference(let reference): texts(of: reference).map(Self.quoted).joined(separator: " ")
      }
    }.joined()
  }

  /// The arguments that a template of an argument list stands for: several when it is just one reference to a glob.
  public func arguments(_ template: Template) -> [String] {
    if template.segments.count == 1, case .reference(let reference) = template.segments[0] {
      return texts(of: reference)
    }
    return [plain(template)]
  }

  /// The first of these references whose value would need quoting, with that value; nil when all are harmless anywhere in
  /// a shell text.
  public func firstNeedingQuotes(_ references: [Reference]) -> (reference: Reference, value: String)? {
    for reference in references {
      for text in texts(of: reference) where !Self.isHarmless(text) { return (reference, text) }
    }
    return nil
  }

  /// One word for a POSIX shell: as it is when it has only harmless characters, else in single quotes.
  public static func quoted(_ text: String) -> String {
    if !text.isEmpty && isHarmless(text) { return text }
    return "'" + text.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "'\\''") + "'"
  }

  private static func isHarmless(_ text: String) -> Bool {
    text.utf8.allSatisfy { byte in
      switch byte {
      case 48...57, 65...90, 97...122: true
      case UInt8(ascii: "_"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "/"), UInt8(ascii: "+"),
        UInt8(ascii: ","), UInt8(ascii: ":"), UInt8(ascii: "@"), UInt8(ascii: "%"), UInt8(ascii: "="):
        true
      default: false
      }
    }
  }
}

/// A shell line that needs no shell, as Make does it: saves a process for each step.
///
/// Nil when the line has any character that a shell treats specially, starts with an assignment, or names something
/// that a shell has built in.
public func directArguments(of line: String) -> [String]? {
  let plain = line.utf8.allSatisfy { byte in
    switch byte {
    case 48...57, 65...90, 97...122: true
    case UInt8(ascii: " "), UInt8(ascii: "_"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "/"),
      UInt8(ascii: "+"), UInt8(ascii: ","), UInt8(ascii: ":"), UInt8(ascii: "@"), UInt8(ascii: "%"),
      UInt8(ascii: "="):
      true
    default: false
    }
  }
  guard plain else { return nil }
  let words = line.split(separator: " ").map(String.init)
  guard let first = words.first, !first.contains("="), !isShellWord(first) else { return nil }
  return words
}

/// True for the reserved words and built-ins of dash and bash: not the names of programs.
public func isShellWord(_ word: String) -> Bool { shellWords.contains(word) }

private let shellWords: Set<String> = [
  ".", ":", "alias", "bg", "bind", "break", "builtin", "caller", "case", "cd", "command", "compgen", "complete",
  "continue", "coproc", "declare", "dirs", "disown", "do", "done", "echo", "elif", "else", "enable", "esac", "eval",
  "exec", "exit", "export", "false", "fc", "fg", "fi", "for", "function", "getopts", "hash", "help", "history", "if",
  "in", "jobs", "kill", "let", "local", "logout", "mapfile", "popd", "printf", "pushd", "pwd", "read", "readarray",
  "readonly", "return", "select", "set", "shift", "shopt", "source", "suspend", "test", "then", "time", "times", "trap",
  "true", "type", "typeset", "ulimit", "umask", "unalias", "unset", "until", "wait", "while",
]
