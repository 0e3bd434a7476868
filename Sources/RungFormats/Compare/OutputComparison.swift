import Glibc
import RungCore

/// Whether two executions of a step made the same output, and where they begin to differ.
///
/// Files are compared as what they are: JSON, CSV and the arrays of NumPy by value, pictures by pixels, archives by what is
/// in them, texts by lines, all else by bytes. A name says what JSON and CSV are, the first bytes say the rest; what cannot
/// be read as what it claims to be is a text or bytes.
public enum OutputComparison {
  /// What a comparison says.
  public enum Verdict: Hashable, Sendable {
    /// The same bytes.
    case identical
    /// Other bytes, but all numbers within the tolerance and everything else the same. The largest differences that were
    /// found, both zero where the same values are only written differently.
    case within(largestAbsolute: Double, largestRelative: Double)
    /// The first difference, as one sentence without a full stop that gives both sides in the order of the call, such as
    /// `#/runs/3/loss: 0.1234 and 0.1235 (relative difference 8.1e-4)`.
    case different(first: String)
  }

  /// Compares two versions of one output.
  ///
  /// Numbers are equal when they have the same value: `0.10` and `1e-1`, `-0` and `0`, NaN and NaN, at whatever place of a
  /// JSON object their name stands. Of a PNG they are the samples from 0 to 1. Texts, truth values, shapes, types and the
  /// numbers of rows and items have to be the same.
  ///
  /// - Parameters:
  ///   - path: the output's path, for its extension.
  ///   - tolerance: nil for an output that has to be the same bit by bit: then only equal bytes are equal, and the formats
  ///     serve to say where the difference lies.
  public static func compare(
    _ a: [UInt8], _ b: [UInt8], named path: String, tolerance: NumberTolerance?
  ) -> Verdict {
    guard !isSame(a, b) else { return .identical }
    var findings = Findings(tolerance: tolerance ?? .none)
    compare(a, b, as: FileKind(path, a, b), &findings)
    if let first = findings.first { return .different(first: first) }
    guard tolerance != nil else {
      return .different(first: findings.remark ?? "the same values, written differently: \(bytesDifference(a, b))")
    }
    return .within(largestAbsolute: findings.largestAbsolute, largestRelative: findings.largestRelative)
  }

  static func isSame(_ a: [UInt8], _ b: [UInt8]) -> Bool {
    a.count == b.count
      && a.withUnsafeBytes { a in
        b.withUnsafeBytes { b in
          guard let left = a.baseAddress, let right = b.baseAddress else { return true }
          return memcmp(left, right, a.count) == 0
        }
      }
  }

  /// Notes in `findings` how two files that are not the same bytes differ.
  static func compare(_ a: [UInt8], _ b: [UInt8], as kind: FileKind, _ findings: inout Findings) {
    switch kind {
    case .json where JSONWalk.isEnough(a, b, &findings): break
    case .json: compareRead(a, b, "JSON", &findings, JSONDocument.init) { compareJSON($0.value, $1.value, &$2) }
    case .jsonLines: compareRead(a, b, "JSON", &findings, JSONDocument.lines) { compareJSONLines($0, $1, &$2) }
    case .table(let isTabbed): compareTables(a, b, isTabbed: isTabbed, &findings)
    case .array:
      compareRead(a, b, "a NumPy array", &findings, NumPyArray.init) { compareArrays($0, $1, named: nil, &$2) }
    case .archive: compareRead(a, b, "an archive", &findings, ZipArchive.init) { compareArchives($0, $1, &$2) }
    case .picture:
      compareRead(a, b, "a picture", &findings, { (bytes) throws(FormatError) in try PNGImage(bytes, limit: 1 << 29) })
      {
        comparePictures($0, $1, &$2)
      }
    case .other: compareTexts(a, b, &findings)
    }
  }

  /// Reads both and compares what was read. What cannot be read is a text or bytes.
  private static func compareRead<Content>(
    _ a: [UInt8], _ b: [UInt8], _ what: String, _ findings: inout Findings,
    _ read: ([UInt8]) throws(FormatError) -> Content, _ compare: (Content, Content, inout Findings) -> Void
  ) {
    func result(_ bytes: [UInt8]) -> Result<Content, FormatError> {
      do throws(FormatError) { return .success(try read(bytes)) } catch { return .failure(error) }
    }
    switch (result(a), result(b)) {
    case (.success(let a), .success(let b)): compare(a, b, &findings)
    case (.failure, .failure): compareTexts(a, b, &findings)
    case (.failure(let error), .success):
      findings.differ("only the second is \(what) (\(error)); \(lineDifference(a, b))")
    case (.success, .failure(let error)):
      findings.differ("only the first is \(what) (\(error)); \(lineDifference(a, b))")
    }
  }
}

/// What a file is compared as.
enum FileKind: Equatable {
  case json
  case jsonLines
  case table(isTabbed: Bool)
  case array
  case archive
  case picture
  case other

  /// What two versions of a file are taken for.
  init(_ path: String, _ a: [UInt8], _ b: [UInt8]) {
    func begins(_ magic: [UInt8]) -> Bool { a.starts(with: magic) || b.starts(with: magic) }
    if begins([0x93, 0x4E, 0x55, 0x4D, 0x50, 0x59]) {
      self = .array
    } else if begins([0x50, 0x4B, 0x03, 0x04]) {
      self = .archive
    } else if begins([0x89, 0x50, 0x4E, 0x47]) {
      self = .picture
    } else {
      switch path.lowercased().split(separator: ".", omittingEmptySubsequences: false).last.map(String.init) {
      case "json", "geojson", "ipynb": self = .json
      case "jsonl", "ndjson": self = .jsonLines
      case "csv": self = .table(isTabbed: false)
      case "tsv": self = .table(isTabbed: true)
      default: self = .other
      }
    }
  }
}
