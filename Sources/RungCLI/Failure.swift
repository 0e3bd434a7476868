import Glibc
import RungCore
import RungLedger
import RungStore
import Synchronization

/// The exit codes of the command (docs/formats/json.md).
enum ExitStatus {
  /// Done.
  static let success: Int32 = 0
  /// A step failed, a claim broke, or a verification differs.
  static let stepFailed: Int32 = 1
  /// The request or a pipeline file is wrong.
  static let badRequest: Int32 = 2
  /// The store or the machine failed.
  static let machineFailed: Int32 = 3
  /// Stopped by a signal.
  static let interrupted: Int32 = 130
}

/// Ends a command with a code, after everything has been said.
struct ExitNow: Error {
  let code: Int32
}

/// What is wrong with a request, for the person who made it.
struct RequestError: Error {
  let message: String
  var hints: [String] = []
  var code = ExitStatus.badRequest
}

enum Failures {
  /// The project's root once it is known: where the files of diagnostics lie.
  static let root = Mutex<String?>(nil)

  // Mistakes that are found after the files were read come without the line that they point to.
  private static func withSource(_ diagnostic: Diagnostic) -> Diagnostic {
    guard diagnostic.sourceLine == nil, let location = diagnostic.location, let root = root.withLock({ $0 }) else {
      return diagnostic
    }
    var result = diagnostic
    result.sourceLine = line(location.line, of: "\(root)/\(location.file)")
    return result
  }

  private static func line(_ number: Int, of path: String) -> String? {
    guard let file = fopen(path, "re") else { return nil }
    defer { fclose(file) }
    var buffer: UnsafeMutablePointer<CChar>?
    var size = 0
    defer { free(buffer) }
    var at = 0
    while getline(&buffer, &size, file) >= 0, let text = buffer {
      at += 1
      if at == number { return String(String(cString: text).prefix { $0 != "\n" && $0 != "\r\n" }) }
    }
    return nil
  }

  /// Tells an error on standard error and gives the exit code that belongs to it.
  static func report(_ error: any Error) -> Int32 {
    let style = Style.errors
    switch error {
    case let exit as ExitNow: return exit.code
    case let diagnostics as Diagnostics:
      Console.complain(diagnostics.items.map { colored(withSource($0), style) }.joined(separator: "\n\n"))
      let errors = diagnostics.items.count { $0.severity == .error }
      if errors > 1 { Console.complain("\n\(errors) errors") }
      return ExitStatus.badRequest
    case let request as RequestError:
      Console.complain("\(style.red("error:")) \(request.message)")
      for hint in request.hints { Console.complain("  \(hint)") }
      return request.code
    default:
      // The store, the ledger, the machine.
      Console.complain("\(style.red("error:")) \(error)")
      return ExitStatus.machineFailed
    }
  }

  /// A diagnostic with the words `error` and `warning` coloured.
  static func colored(_ diagnostic: Diagnostic, _ style: Style) -> String {
    let text = diagnostic.rendered
    guard style.isOn, let range = text.firstRange(of: diagnostic.severity.rawValue + ":") else { return text }
    let word = String(text[range])
    return text.replacingCharacters(
      in: range, with: diagnostic.severity == .error ? style.red(word) : style.yellow(word))
  }
}

extension String {
  fileprivate func firstRange(of word: String) -> Range<String.Index>? {
    var start = startIndex
    while start < endIndex {
      if self[start...].hasPrefix(word) { return start..<index(start, offsetBy: word.count) }
      start = index(after: start)
    }
    return nil
  }

  fileprivate func replacingCharacters(in range: Range<String.Index>, with text: String) -> String {
    String(self[..<range.lowerBound]) + text + String(self[range.upperBound...])
  }
}
