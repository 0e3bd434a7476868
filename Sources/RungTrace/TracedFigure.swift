import RungCore
import RungFormats

/// A figure in a document that others made, and what this cache knows of it.
public struct TracedFigure: Sendable {
  /// How it compares with what a step made.
  public enum Verdict: String, Sendable {
    /// It is what the step made: the file, the drawing or the pixels.
    case unedited
    /// Its stamp names an artifact of this cache, and it is not that: it was edited or drawn anew.
    case edited
    /// Its stamp names an artifact whose bytes are no longer in the cache, so that they cannot be compared.
    case unchecked
    /// Its stamp names an artifact that no record of this cache has made.
    case elsewhere
    /// It has no stamp, and is no published figure of this project.
    case unknown
  }

  /// What was found in the document.
  public let figure: EmbeddedFigure
  /// How it compares.
  public let verdict: Verdict
  /// What made it; nil for `elsewhere` and `unknown`.
  public let subject: Trace.Subject?
}

/// A document and the figures in it.
public struct TracedDocument: Sendable {
  /// The path as it was given.
  public let file: String
  /// The digest of its bytes.
  public let digest: Digest
  /// The figures in it, by pages.
  public let figures: [TracedFigure]

  /// For people; ends with a line break. Images that are not known are counted only.
  public func text(width: Int = 80) -> String {
    var out = TextLayout(width: width)
    let known = figures.filter { $0.verdict != .unknown }
    out.line(file)
    out.line(digest.description, indent: 2)
    out.space()
    out.line("Figures: \(known.count)")
    for figure in known {
      out.space()
      let place = figure.figure.page.map { "page \($0)" } ?? "attached"
      if let subject = figure.subject {
        out.line("\(place): \(subject.publishedAt ?? "'\(subject.output)' of \(subject.instance)")", indent: 2)
        out.field("output", "'\(subject.output)' of \(subject.instance)", indent: 4, column: 18)
        out.field("digest", subject.digest.description, indent: 4, column: 18)
        out.field("record", subject.record.description, indent: 4, column: 18)
      } else if let stamp = figure.figure.stamp {
        out.line("\(place): '\(stamp.output)' of \(stamp.instance)", indent: 2)
        out.field("digest", stamp.artifact.description, indent: 4, column: 18)
        out.field("record", stamp.record.description, indent: 4, column: 18)
      }
      out.field("kind", figure.kindText, indent: 4, column: 18)
      out.field("state", figure.stateText, indent: 4, column: 18)
    }
    let others = figures.count - known.count
    if others > 0 {
      out.space()
      out.paragraph(
        "and \(others) other \(others == 1 ? "image or file" : "images or files") that this project has not published")
    }
    return out.text
  }

  /// For programs; docs/formats/json.md lists the fields.
  public var json: JSON {
    ["file": .string(file), "digest": .digest(digest), "figures": .array(figures.map(\.json))]
  }
}

extension TracedFigure {
  fileprivate var kindText: String {
    switch figure.kind {
    case .drawing: "drawing"
    case .image: "image" + (figure.size.map { ", \($0.width) × \($0.height) pixels" } ?? "")
    case .attachment(let name): "attached file '\(name)'"
    }
  }

  fileprivate var stateText: String {
    switch verdict {
    case .unedited:
      switch figure.kind {
      case .drawing: "unedited: the drawing is the one that the step made"
      case .image:
        "unedited: the \(figure.pixels == nil ? "file is the one" : "pixels are the ones") that the step made"
      case .attachment: "unedited"
      }
    case .edited: "EDITED or drawn anew after it was published"
    case .unchecked: "known by its stamp; its bytes are no longer in the cache to compare with"
    case .elsewhere: "made in another project or cache, as its stamp says"
    case .unknown: "unknown"
    }
  }

  fileprivate var json: JSON {
    let (kind, name): (String, String?) =
      switch figure.kind {
      case .drawing: ("drawing", nil)
      case .image: ("image", nil)
      case .attachment(let name): ("attachment", name)
      }
    let output: JSON =
      subject.map {
        [
          "instance": .string($0.instance), "name": .string($0.output), "record": .digest($0.record),
          "digest": .digest($0.digest), "published": .optional($0.publishedAt),
        ]
      } ?? .null
    return [
      "kind": .string(kind), "name": .optional(name), "page": figure.page.map { .int($0) } ?? .null,
      "verdict": .string(verdict.rawValue), "output": output, "stamp": figure.stamp.map(\.members) ?? .null,
      "width": figure.size.map { .int($0.width) } ?? .null, "height": figure.size.map { .int($0.height) } ?? .null,
    ]
  }
}
