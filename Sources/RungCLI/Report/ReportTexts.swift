import RungCore
import RungEngine
import RungReport
import RungStore

/// The texts that pages of a report lead to, each content once: scripts as they were when they ran, logs.
struct ReportTexts {
  private(set) var values: [TextValues] = []
  private var looked: Set<TextReference> = []

  // In bytes; of larger sources nobody reads more.
  private static let largestSource = 1 << 20
  private static let largestLog: Int64 = 256 << 10
  private static let mostLines = 5000
  // So many pages are more than anybody opens; what is beyond them is named without a page.
  private static let mostTexts = 2000

  /// A reference to a file of the project with this content. It has a page when the content is a text that is still there.
  mutating func source(_ path: String, _ digest: Digest, _ session: Session) -> TextReference {
    let reference = TextReference(kind: .source, name: path, digest: digest.description)
    guard isNew(reference), let bytes = Self.bytes(path, digest, session), !bytes.prefix(8192).contains(0) else {
      return reference
    }
    let lines = PlainText.lines(ofSource: bytes)
    values.append(
      TextValues(
        kind: .source, name: path, digest: digest.description, lines: Array(lines.prefix(Self.mostLines)),
        leftOut: lines.count > Self.mostLines ? "The first \(Self.mostLines) of \(lines.count) lines." : nil))
    return reference
  }

  /// A reference to what an instance printed.
  mutating func log(_ instance: String, _ digest: Digest, _ session: Session, notes: [String]) -> TextReference {
    let reference = TextReference(kind: .log, name: instance, digest: digest.description)
    guard isNew(reference), let size = try? session.store.size(digest),
      let bytes = try? session.store.read(digest, range: max(0, size - Self.largestLog)..<size)
    else { return reference }
    let lines = PlainText.lines(ofLog: bytes)
    let isCut = size > Self.largestLog || lines.count > Self.mostLines
    values.append(
      TextValues(
        kind: .log, name: instance, digest: digest.description, lines: Array(lines.suffix(Self.mostLines)),
        leftOut: isCut ? "The end of \(ByteCount(bytes: size)); rung log '\(instance)' prints all of it." : nil,
        notes: notes))
    return reference
  }

  private mutating func isNew(_ reference: TextReference) -> Bool {
    values.count < Self.mostTexts && looked.insert(reference).inserted
  }

  private static func bytes(_ path: String, _ digest: Digest, _ session: Session) -> [UInt8]? {
    if let size = try? session.store.size(digest) {
      return size <= largestSource ? try? session.store.read(digest, limit: Int64(largestSource)) : nil
    }
    return RelativePath(path).flatMap { session.sourceFile(at: $0, with: digest, limit: largestSource) }
  }
}
