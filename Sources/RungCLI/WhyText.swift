import RungCore
import RungEngine
import RungPlan

/// The words and the JSON for reasons.
enum WhyText {
  /// How an instance stands, in a word for JSON.
  static func word(_ standing: Survey.Standing) -> String {
    switch standing {
    case .current, .unneeded: "current"
    case .wouldRun: "would-run"
    case .undecided: "undecided"
    }
  }

  /// Lines for people, two blanks deeper for what belongs to a reason.
  static func lines(
    _ reasons: [Why.Explained], _ style: Style, diffs: Bool = false, past: Bool = false
  ) -> [String] {
    reasons.flatMap { lines($0, style, diffs: diffs, past: past) }
  }

  private static func lines(_ explained: Why.Explained, _ style: Style, diffs: Bool, past: Bool) -> [String] {
    var lines = [sentence(explained.reason, past: past)]
    let members = explained.members
    func list(_ word: String, _ names: [String]) {
      guard !names.isEmpty else { return }
      let shown = names.prefix(3).joined(separator: ", ")
      lines.append("  \(names.count) \(word): \(shown)\(names.count > 3 ? ", …" : "")")
    }
    list("new", members.added)
    list("gone", members.removed)
    list("changed", members.changed)
    if diffs {
      let room = 40
      for line in explained.diff.prefix(room) {
        let text = printable(line)
        lines.append("  " + (line.hasPrefix("+") ? style.green(text) : line.hasPrefix("-") ? style.red(text) : text))
      }
      if explained.diff.count > room { lines.append("  … \(explained.diff.count - room) more lines") }
    }
    lines += self.lines(explained.because, style, diffs: diffs, past: past).map { "  " + $0 }
    return lines
  }

  /// A reason as a sentence; `past` when it is told of a run that has been.
  static func sentence(_ reason: Reason, past: Bool = false) -> String {
    func change(_ what: String) -> String {
      switch (reason.old, reason.new) {
      case (nil, let new?): "\(what) is new: \(short(new))"
      case (let old?, nil): "\(what) is gone; it was \(short(old))"
      case (let old?, let new?) where old != new: "\(what) changed: \(short(old)) → \(short(new))"
      default: "\(what) changed"
      }
    }
    switch reason.field {
    case "record": return past ? "it had not run before" : "it has not run before"
    case "failure" where reason.old == "stopped" && !past: return "its last attempt was interrupted"
    case "failure":
      return past ? "the attempt before had failed" : "its last attempt failed\(reason.old.map { ": \($0)" } ?? "")"
    case "published":
      return past
        ? "its published copy \(reason.name) was missing or changed, and was put back"
        : "its published copy \(reason.name) is missing or changed; `rung run` puts it back"
    case "object": return "its result is no longer in the cache"
    case "force": return "asked for with --force"
    case "rerun": return "it was run again under the same key (--force, or its bytes were lost)"
    case "upstream": return "\(reason.name) would run\(reason.new.map { " (\($0))" } ?? ""):"
    case "others": return "more steps would run, too"
    case "input":
      let path = reason.new ?? reason.old ?? ""
      let name = path.isEmpty || path == reason.name ? reason.name : "\(reason.name) (\(path))"
      if reason.old == nil { return "input \(name) is new" }
      if reason.new == nil { return "input \(name) is gone" }
      if let old = reason.old, let new = reason.new, old != new { return change("input \(reason.name)") }
      return "input \(name) changed"
    case "command": return reason.old?.contains("\n") == true ? "the command changed" : change("the command")
    case "observed": return observed(reason)
    case "watch": return "it was watched as '\(reason.old ?? "declared")', and '\(reason.new ?? "traced")' is wanted"
    case "shell", "network": return change("the \(reason.field)")
    case "program": return "the program \(reason.name) changed"
    case "environment":
      return reason.name == "lock" ? "the environment's lock file changed" : change("the environment's \(reason.name)")
    default: return change("\(reason.field) \(reason.name)")
    }
  }

  // Something that it was seen to use, without declaring it.
  private static func observed(_ reason: Reason) -> String {
    let name = printable(reason.name)
    switch (reason.old, reason.new) {
    case (nil, _): return "\(name) changed"
    case ("absent", _): return "\(name) is there now; it was looked for and not found"
    case (_, "absent"): return "\(name) is gone; it was used"
    case ("listing", "listing"): return "the list of names in the folder \(name) changed"
    case ("modules", "modules"): return "the modules in the folder \(name) changed"
    case ("link", "link"): return "the link \(name) points elsewhere"
    case (let old?, let new?) where old == new: return "\(name) changed; it was read, though not declared"
    case (let old?, let new?): return "\(name) is \(article(new)) now; it was \(article(old))"
    default: return "\(name) changed"
    }
  }

  private static func article(_ kind: String) -> String {
    switch kind {
    case "listing", "modules", "folder": "a folder"
    case "executable": "an executable file"
    case "other": "neither file nor folder"
    default: "a \(kind)"
    }
  }

  /// A reason for programs.
  static func json(_ explained: Why.Explained) -> JSON {
    let reason = explained.reason
    // The value, or the digest where that is what differs.
    func side(_ value: String?, _ digest: Digest?) -> JSON {
      if reason.oldDigest != nil || reason.newDigest != nil,
        reason.old == nil || reason.new == nil || reason.old == reason.new
      {
        return digest.map { .digest($0) } ?? .optional(value)
      }
      return .optional(value)
    }
    var members: [JSON.Member] = [
      .init("field", .string(reason.field)), .init("name", .string(reason.name)),
      .init("old", side(reason.old, reason.oldDigest)), .init("new", side(reason.new, reason.newDigest)),
    ]
    if reason.field == "input" { members.append(.init("path", .optional(reason.new ?? reason.old))) }
    if !explained.diff.isEmpty { members.append(.init("diff", .array(explained.diff.map { .string($0) }))) }
    if !explained.members.isEmpty {
      members.append(
        .init(
          "members",
          [
            "added": .array(explained.members.added.map { .string($0) }),
            "removed": .array(explained.members.removed.map { .string($0) }),
            "changed": .array(explained.members.changed.map { .string($0) }),
          ]))
    }
    if !explained.because.isEmpty { members.append(.init("because", .array(explained.because.map(json)))) }
    return .object(members)
  }

  private static func short(_ text: String) -> String {
    let line = printable(text)
    return line.count <= 60 ? line : line.prefix(57) + "…"
  }

  /// Control characters as `?`, so that a file cannot steer the terminal.
  static func printable(_ text: String) -> String {
    String(
      String.UnicodeScalarView(
        text.unicodeScalars.map { $0 == "\t" ? " " : $0.value < 0x20 || (0x7f...0x9f).contains($0.value) ? "?" : $0 }))
  }
}
