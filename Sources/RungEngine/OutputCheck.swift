import RungCore
import RungFormats
import RungLedger
import RungModel
import RungStore

/// Holds what was made of an output against what was expected.
struct OutputCheck {
  let name: String
  let expected: ActionOutput
  let made: Record.Output?
  let tolerance: Tolerance?
  let expectedIn: ObjectStore
  let madeIn: ObjectStore

  // Larger files are told apart by their digests alone, in bytes.
  private static let largest: Int64 = 512 << 20

  /// The comparison; what cannot be read is a difference that is said.
  var answer: Verification.Output {
    guard let made else { return output(nil, .different, "it was not made") }
    guard made.kind == expected.kind.name else {
      return output(made.digest, .different, "it was \(word(expected.kind.name)) and is \(word(made.kind)) now")
    }
    if made.digest == expected.digest { return output(made.digest, .identical, nil) }
    guard expectedIn.contains(expected.digest) else {
      // Bit by bit they differ; whether within the tolerance nobody can say any more.
      return output(
        made.digest, tolerance == nil ? .different : .failed,
        "the bytes differ, and those from before are not in the cache any more")
    }
    do throws(StoreError) {
      let (verdict, difference) =
        expected.kind == .tree
        ? try compareTrees(made.digest)
        : try compareFiles(expected.digest, made.digest, named: made.path, sizes: max(expected.size, made.size))
      return output(made.digest, verdict, difference)
    } catch {
      return output(made.digest, .different, "the bytes differ; they cannot be compared: \(error.message)")
    }
  }

  private func word(_ kind: String) -> String { kind == "tree" ? "a folder" : kind == "file" ? "a file" : "executable" }

  private func output(_ digest: Digest?, _ verdict: Verification.Verdict, _ difference: String?) -> Verification.Output
  {
    Verification.Output(
      name: name, expected: expected.digest, made: digest, verdict: verdict, difference: difference)
  }

  private func compareFiles(
    _ old: Digest, _ new: Digest, named path: String, sizes: Int64
  ) throws(StoreError) -> (Verification.Verdict, String?) {
    guard sizes <= Self.largest else { return (.different, "the bytes differ; the file is too large to say where") }
    let comparison = OutputComparison.compare(
      try expectedIn.read(old, limit: Self.largest), try madeIn.read(new, limit: Self.largest), named: path,
      tolerance: tolerance.map { NumberTolerance(absolute: $0.absolute ?? 0, relative: $0.relative ?? 0) })
    switch comparison {
    case .identical: return (.identical, nil)
    case .within(let absolute, let relative):
      return (.within, "the largest difference is \(absolute), relative \(relative)")
    case .different(let text): return (.different, text)
    }
  }

  private func compareTrees(_ new: Digest) throws(StoreError) -> (Verification.Verdict, String?) {
    let before = try entries(of: expected.digest, in: expectedIn)
    let after = try entries(of: new, in: madeIn)
    var verdict = Verification.Verdict.identical
    var within: String?
    for (name, entry) in before.sorted(by: { $0.key.lexicographicallyPrecedes($1.key) }) {
      let path = String(decoding: name, as: UTF8.self)
      guard let now = after[name] else { return (.different, "\(path) was not made") }
      if entry == now { continue }
      guard case .file(let old, let oldSize, let wasExecutable) = entry,
        case .file(let new, let newSize, let isExecutable) = now, wasExecutable == isExecutable
      else { return (.different, "\(path) is of another kind") }
      let (own, difference) = try compareFiles(old, new, named: path, sizes: max(oldSize, newSize))
      if own == .different { return (own, difference.map { "\(path): \($0)" }) }
      if own == .within {
        verdict = .within
        within = within ?? difference.map { "\(path): \($0)" }
      }
    }
    let extra = after.keys.filter { before[$0] == nil }.min { $0.lexicographicallyPrecedes($1) }
    if let extra { return (.different, "\(String(decoding: extra, as: UTF8.self)) is new") }
    // The digests of the folders differ.
    return verdict == .identical ? (.different, "the folders differ") : (verdict, within)
  }

  // Everything in a folder by the bytes of its path, folders too (they may be empty).
  private func entries(
    of tree: Digest, in store: ObjectStore
  ) throws(StoreError) -> [[UInt8]: TreeManifest.EntryKind] {
    var result: [[UInt8]: TreeManifest.EntryKind] = [:]
    var stack: [(Digest, [UInt8])] = [(tree, [])]
    while let (digest, prefix) = stack.popLast() {
      for entry in try store.tree(digest).entries {
        let path = prefix + entry.nameBytes
        if case .directory(let inner, _) = entry.kind {
          stack.append((inner, path + [UInt8(ascii: "/")]))
          // What is in it is compared by itself.
          result[path] = .directory(digest: .empty, size: 0)
        } else {
          result[path] = entry.kind
        }
      }
    }
    return result
  }
}
