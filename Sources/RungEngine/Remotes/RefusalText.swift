import RungCore

extension RemoteHealth {
  /// What is to be said of a result that is not taken; once for each remote and kind, or key.
  mutating func tell(_ refusal: ResultPuller.Refusal, of name: String, at remote: String) -> String? {
    let isFirst =
      switch refusal {
      case .untrusted(let id, _): isNew("untrusted \(id)")
      case .garbled: isNew("garbled")
      case .unsigned: isNew("unsigned")
      case .forged: isNew("forged")
      case .other: isNew("other")
      case .incomplete: isNew("incomplete")
      case .damaged: isNew("damaged")
      }
    return isFirst ? refusal.text(of: name, at: remote) : nil
  }
}

extension ResultPuller.Refusal {
  /// For people: what is wrong with a result, and what follows.
  func text(of name: String, at remote: String) -> String {
    switch self {
    case .garbled:
      "what the remote \(remote) has for \(name) is not a result of Rung; it is not used"
    case .unsigned:
      "the result of \(name) at the remote \(remote) is not signed; it is not used"
    case .forged:
      "the result of \(name) at the remote \(remote) has a signature that does not fit: it was changed after it was signed. It is not used"
    case .untrusted(let id, let by):
      "the result of \(name) at the remote \(remote) is signed by \(Self.printable(by)) with a key that is not trusted here; it is not used. To trust that key, add to rung.yaml:\n  trust: [\"\(id)\"]"
    case .other:
      "the remote \(remote) gives for \(name) a record of something else; it is not used"
    case .incomplete(let digest):
      "the result of \(name) at the remote \(remote) is not whole: object \(digest.short) is missing there. It is not used"
    case .damaged(let digest):
      "the result of \(name) at the remote \(remote) is damaged: object \(digest.short) has other bytes than its name says. It is not used"
    }
  }

  // What somebody else calls themselves must not steer the terminal.
  private static func printable(_ text: String) -> String {
    String(
      String.UnicodeScalarView(text.unicodeScalars.map { $0.value < 32 || (127..<160).contains($0.value) ? "?" : $0 }))
  }
}
