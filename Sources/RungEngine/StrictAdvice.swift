import Glibc
import RungCore
import RungExec
import RungModel

/// What to declare, for a strict step that looked for files of the project which it does not declare.
struct StrictAdvice {
  /// Sentences for people; empty when nothing undeclared was looked for.
  let text: String

  private static let most = 5

  init(_ work: StepWork, _ result: StepResult, root: String) {
    var wanted: [String] = []
    let declared = Set(work.sources.map(\.path.text)).union(work.outputs.map(\.path.text))
    func consider(_ path: String) {
      if !declared.contains(path), !wanted.contains(path), access("\(root)/\(path)", F_OK) == 0 { wanted.append(path) }
    }
    let looked = result.observation.paths().filter { $0.isInProject && $0.isStaged }
    for path in looked where path.kind == .absent && !path.path.isEmpty {
      // A folder says nothing that the files in it would not say better.
      var status = stat()
      if stat("\(root)/\(path.path)", &status) == 0, status.st_mode & S_IFMT != S_IFDIR { consider(path.path) }
    }
    // A program that lists a folder asks for nothing that is not in the list, as Python does for modules. What its
    // last words name is what it missed.
    for folder in looked where folder.kind == .folder && !folder.uses.isDisjoint(with: [.listed, .imported]) {
      let present = Set(folder.names.map { String(decoding: $0, as: UTF8.self) })
      for name in Self.names(in: "\(root)/\(folder.path)") where !present.contains(name) {
        let stem = name.split(separator: ".").first.map(String.init) ?? name
        let isNamed = result.logTail.contains { line in Self.hasWord(name, in: line) || Self.hasWord(stem, in: line) }
        if isNamed { consider(folder.path.isEmpty ? name : "\(folder.path)/\(name)") }
      }
    }
    guard !wanted.isEmpty else {
      text = ""
      return
    }
    let shown = wanted.prefix(Self.most)
    let more = wanted.count > Self.most ? " and \(wanted.count - Self.most) more" : ""
    let base = work.step.outputs.first?.base ?? .root
    let lines = shown.map { "\(Self.name(for: $0)): \(Self.relative($0, to: base))" }
    let place = work.step.location.map { " (\($0.file):\($0.line))" } ?? ""
    text =
      "It looked for \(shown.joined(separator: ", "))\(more), which it does not declare, and at level 'strict' only declared inputs are there. "
      + "Add to the inputs of step '\(work.step.name)'\(place): \(lines.joined(separator: "; "))"
  }

  private static func hasWord(_ word: String, in line: String) -> Bool {
    guard word.utf8.count > 1, let range = line.firstRange(of: word) else { return false }
    func isPart(_ character: Character) -> Bool { character.isLetter || character.isNumber || character == "_" }
    let before = range.lowerBound == line.startIndex ? nil : line[line.index(before: range.lowerBound)]
    let after = range.upperBound == line.endIndex ? nil : line[range.upperBound]
    return !(before.map(isPart) ?? false) && !(after.map(isPart) ?? false)
  }

  private static func names(in folder: String) -> [String] {
    guard let names = SourceFiles.names(in: folder) else { return [] }
    return names.map { String(decoding: $0, as: UTF8.self) }.sorted()
  }

  // A name for the input: the file's, as far as a name may have its characters.
  private static func name(for path: String) -> String {
    let file = path.split(separator: "/").last ?? ""
    let stem = file.split(separator: ".").first ?? "input"
    let name = String(stem.map { $0.isASCII && ($0.isLetter || $0.isNumber) ? $0 : "_" })
    return name.first.map { $0.isNumber } == true ? "_\(name)" : name
  }

  // As the pipeline file writes it: from the pipeline's folder.
  private static func relative(_ path: String, to base: RelativePath) -> String {
    let parts = path.split(separator: "/")
    let from = base.components.map(String.init)
    var common = 0
    while common < from.count, common < parts.count, from[common] == parts[common] { common += 1 }
    return (Array(repeating: "..", count: from.count - common) + parts[common...].map(String.init)).joined(
      separator: "/")
  }
}

extension String {
  fileprivate func firstRange(of word: String) -> Range<Index>? {
    var start = startIndex
    while start < endIndex {
      if self[start...].hasPrefix(word) { return start..<index(start, offsetBy: word.count) }
      start = index(after: start)
    }
    return nil
  }
}
