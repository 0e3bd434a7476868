import RungCore
import RungPlan
import RungReport

/// A published thing as the report shows it: a picture with all its formats, or another file.
struct ReportThing {
  /// A picture or another file.
  enum Kind {
    case figure(FigureValues)
    case file(FileValues)
  }

  let kind: Kind
  /// The instance that makes it.
  let instance: BuildGraph.NodeID
  /// The output and its content.
  let output: String
  let digest: Digest
  /// The record of its making.
  let record: Digest

  /// Where it is published.
  var path: String {
    switch kind {
    case .figure(let figure): figure.path
    case .file(let file): file.path
    }
  }
}

extension ReportGathering {
  /// Everything published. The formats of one drawing are one figure; an SVG comes first, unless it is so large that a
  /// browser would take long over it.
  mutating func figures() -> [ReportThing] {
    var things: [ReportThing] = []
    var taken: Set<String> = []
    for thing in published where !taken.contains(thing.path) {
      guard let type = pictureType(thing) else {
        let size = (try? session.store.size(thing.digest)) ?? 0
        let file = FileValues(
          path: thing.path, instance: session.graph.name(of: thing.instance), record: thing.record.description,
          size: size)
        things.append(
          ReportThing(
            kind: .file(file), instance: thing.instance, output: thing.output, digest: thing.digest,
            record: thing.record))
        continue
      }
      let stem = Self.stem(thing.path)
      let same = published.filter {
        $0.instance == thing.instance && $0.record == thing.record && Self.stem($0.path) == stem
          && pictureType($0) != nil
      }
      taken.formUnion(same.map(\.path))
      let best =
        same.first { pictureType($0) == .svg && size($0) <= Self.largestDrawing } ?? same.first {
          pictureType($0) != .svg
        } ?? thing
      things.append(figure(best, type: pictureType(best) ?? type, formats: same.map(\.path).filter { $0 != best.path }))
    }
    return things
  }

  // In bytes.
  private static let largestDrawing: Int64 = 3 << 20

  private func size(_ thing: PublishedThing) -> Int64 { (try? session.store.size(thing.digest)) ?? .max }

  private mutating func figure(_ thing: PublishedThing, type: PictureType, formats: [String]) -> ReportThing {
    var file: String?
    var problem: String?
    if !session.store.contains(thing.digest) {
      problem = "Its bytes are no longer in the cache; a run makes them again."
    } else if size(thing) > Self.largestPicture {
      problem = "It is larger than \(ByteCount(bytes: Self.largestPicture)) and not shown here."
    } else {
      let name = "figures/\(thing.digest.short)-\(Slug.of(Self.lastName(Self.stem(thing.path)))).\(type.rawValue)"
      file = name
      add(thing.digest, as: name)
    }
    let figure = FigureValues(
      path: thing.path, file: file, problem: problem, formats: formats.map { Self.ending($0).uppercased() },
      output: thing.output, instance: session.graph.name(of: thing.instance), record: thing.record.description,
      isCurrent: thing.isCurrent)
    return ReportThing(
      kind: .figure(figure), instance: thing.instance, output: thing.output, digest: thing.digest, record: thing.record)
  }

  /// The kinds of pictures that browsers show, by their endings.
  enum PictureType: String {
    case png, jpg, gif, webp, svg
  }

  // By the first bytes; of a picture whose bytes are gone by its name.
  private func pictureType(_ thing: PublishedThing) -> PictureType? {
    guard let size = try? session.store.size(thing.digest),
      let bytes = try? session.store.read(thing.digest, range: 0..<min(1024, size))
    else { return PictureType(rawValue: Self.ending(thing.path)) }
    if bytes.starts(with: [0x89, 0x50, 0x4e, 0x47]) { return .png }
    if bytes.starts(with: [0xff, 0xd8, 0xff]) { return .jpg }
    if bytes.starts(with: Array("GIF8".utf8)) { return .gif }
    if bytes.starts(with: Array("RIFF".utf8)), bytes.dropFirst(8).starts(with: Array("WEBP".utf8)) { return .webp }
    return String(decoding: bytes, as: UTF8.self).contains("<svg") ? .svg : nil
  }

  private static func lastName(_ path: String) -> String { path.split(separator: "/").last.map(String.init) ?? path }

  private static func stem(_ path: String) -> String {
    let ending = ending(path)
    return ending.isEmpty ? path : String(path.dropLast(ending.count + 1))
  }

  private static func ending(_ path: String) -> String {
    let name = lastName(path)
    guard let dot = name.lastIndex(of: "."), dot != name.startIndex else { return "" }
    return String(name[name.index(after: dot)...]).lowercased()
  }
}
