import RungCore

extension Comparison {
  /// A line of the comparison for people.
  public struct Line: Hashable, Sendable {
    /// How it is shown where there are colours.
    public enum Role: Sendable {
      /// As it is.
      case plain
      /// The heading of a part.
      case heading
      /// What was.
      case old
      /// What is.
      case new
    }
    /// Without a line break; nothing in it can steer a terminal.
    public let text: String
    /// How it is shown.
    public let role: Role
  }

  /// The comparison for people, in lines of at most `width` characters but for names, values and source lines that are
  /// longer. Sweeps are folded: the length grows with the number of steps, not of instances.
  public func lines(width: Int = 80) -> [Line] {
    var out = ComparisonText(width: width)
    out.header(old, new)
    out.gaps(incomplete)
    if isEmpty {
      out.space()
      out.line(
        paired == 0
          ? "Nothing to compare: neither side has a result"
          : "Nothing differs: \(counted(paired, "result")), all of them the same")
      return out.lines
    }
    out.settings(settings)
    out.packages(packages)
    out.files(files)
    out.instances(instances)
    out.metrics(metrics)
    out.outputs(outputs)
    out.space()
    let differ = paired - identical
    out.line(
      "\(counted(paired, "instance")) on both sides: \(differ) with other results, \(identical) with identical ones",
      .heading)
    if !unexplained.isEmpty {
      out.paragraph(
        "NOT REPRODUCIBLE: \(listed(unexplained, limit: 3)) made other bytes although nothing in the key differs",
        indent: 2)
    }
    return out.lines
  }
}
