/// A unified diff of two texts, as `diff -u` shows it.
public enum LineDiff {
  /// The hunks with `context` lines around each change; empty when the texts are equal. Lines are cut at 400
  /// characters; nil when a text is too long to compare for a person's sake (20,000 lines or 2 MB) or is not UTF-8.
  public static func unified(_ old: [UInt8], _ new: [UInt8], context: Int = 2) -> [String]? {
    guard old.count <= 2 << 20, new.count <= 2 << 20, !old.contains(0), !new.contains(0),
      let a = String(validating: old, as: UTF8.self), let b = String(validating: new, as: UTF8.self)
    else { return nil }
    let before = lines(a)
    let after = lines(b)
    guard before.count <= 20_000, after.count <= 20_000 else { return nil }
    if old == new { return [] }

    // Common ends are cut off first: most edits touch few lines, and Myers' algorithm is quadratic in the difference.
    var head = 0
    while head < before.count, head < after.count, before[head] == after[head] { head += 1 }
    var tail = 0
    while tail < before.count - head, tail < after.count - head,
      before[before.count - 1 - tail] == after[after.count - 1 - tail]
    {
      tail += 1
    }
    let a2 = before[head..<(before.count - tail)]
    let b2 = after[head..<(after.count - tail)]
    var removed: Set<Int> = []
    var inserted: Set<Int> = []
    if a2.count * b2.count <= 25_000_000 {
      for change in Array(b2).difference(from: Array(a2)) {
        switch change {
        case .remove(let offset, _, _): removed.insert(head + offset)
        case .insert(let offset, _, _): inserted.insert(head + offset)
        }
      }
    } else {
      removed = Set(a2.indices)
      inserted = Set(b2.indices)
    }
    return hunks(before, after, removed, inserted, context)
  }

  private static func lines(_ text: String) -> [Substring] {
    // By bytes: as a character, CR LF is something else than LF.
    var lines = text.utf8.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).map { Substring($0) }
    // A last line without a line feed is another line than one with it.
    if lines.last?.isEmpty == true {
      lines.removeLast()
    } else {
      lines[lines.count - 1] += "\n\\ no line feed at the end"
    }
    return lines
  }

  private static func hunks(
    _ before: [Substring], _ after: [Substring], _ removed: Set<Int>, _ inserted: Set<Int>, _ context: Int
  ) -> [String] {
    // The script: each line with its mark, in order.
    var script: [(mark: Character, text: Substring, old: Int, new: Int)] = []
    var i = 0
    var j = 0
    while i < before.count || j < after.count {
      if i < before.count, removed.contains(i) {
        script.append(("-", before[i], i, j))
        i += 1
      } else if j < after.count, inserted.contains(j) {
        script.append(("+", after[j], i, j))
        j += 1
      } else if i < before.count, j < after.count {
        script.append((" ", before[i], i, j))
        i += 1
        j += 1
      } else {
        break
      }
    }
    var out: [String] = []
    var at = 0
    while let change = script[at...].firstIndex(where: { $0.mark != " " }) {
      let start = max(at, change - context)
      var end = change
      var quiet = 0
      while end < script.count, quiet <= 2 * context {
        quiet = script[end].mark == " " ? quiet + 1 : 0
        end += 1
      }
      end = min(script.count, end - max(0, quiet - context))
      let hunk = script[start..<end]
      let olds = hunk.count { $0.mark != "+" }
      let news = hunk.count { $0.mark != "-" }
      // An empty side is named by the line before it.
      let oldStart = script[start].old + (olds > 0 ? 1 : 0)
      let newStart = script[start].new + (news > 0 ? 1 : 0)
      out.append("@@ -\(oldStart),\(olds) +\(newStart),\(news) @@")
      for line in hunk {
        let parts = line.text.split(separator: "\n", omittingEmptySubsequences: false)
        out.append("\(line.mark)\((parts.first ?? "").prefix(400))")
        out += parts.dropFirst().map(String.init)
      }
      at = end
    }
    return out
  }
}
