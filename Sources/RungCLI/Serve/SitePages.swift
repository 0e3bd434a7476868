import Glibc
import RungCore
import RungEngine
import RungLedger
import RungReport
import RungServe
import RungStore
import Synchronization

/// The pages of the report, made when somebody asks and made anew when something may have changed.
///
/// Called from the threads of a server, which may block; one makes pages at a time, and the others get what is there.
final class SitePages: Sendable {
  private struct State {
    var pages: [String: [UInt8]] = [:]
    var pictures: [String: (digest: Digest, type: String)] = [:]
    var store: ObjectStore?
    var generation: String?
    var madeAt: Int64 = 0
    var problem: String?
  }

  private let make: @Sendable () throws -> Session
  private let title: String?
  private let state = Mutex(State())
  private let making = Mutex(())

  // In nanoseconds. Pages are not made more often than so, and after the longer time in any case: files of the project may
  // have been edited, which the cache knows nothing of.
  private static let least: Int64 = 2_000_000_000
  private static let most: Int64 = 30_000_000_000

  /// Pages of the project that `make` opens.
  init(title: String?, _ make: @escaping @Sendable () throws -> Session) {
    self.title = title
    self.make = make
  }

  /// The answer to a path of the site.
  func answer(_ path: String) -> Answer {
    if path.hasSuffix(".html") || path.isEmpty { refresh() }
    let (page, picture, store, problem) = state.withLock { state in
      (state.pages[path.isEmpty ? "index.html" : path], state.pictures[path], state.store, state.problem)
    }
    if let page {
      // What the page may do stands in the page.
      return Answer(type: "text/html; charset=utf-8", body: page, policy: "frame-ancestors 'none'")
    }
    if let picture, let store {
      do {
        let bytes = try store.read(picture.digest, limit: ReportGathering.largestPicture)
        // Opened by itself a drawing may hold anything: nothing of it runs.
        return Answer(
          type: picture.type, body: bytes, policy: "default-src 'none'; style-src 'unsafe-inline'; sandbox")
      } catch {
        return .text(404, "\(error)")
      }
    }
    if let problem { return .text(500, problem) }
    return .text(404, "there is no such page")
  }

  private func refresh() {
    let now = Monotonic.now()
    let (age, isThere) = state.withLock { (now - $0.madeAt, !$0.pages.isEmpty) }
    if isThere, age < Self.least { return }
    // Who comes while pages are made gets the old ones; only the first has to wait.
    if isThere {
      _ = making.withLockIfAvailable { _ in remake() }
    } else {
      making.withLock { _ in if state.withLock({ $0.pages.isEmpty }) { remake() } }
    }
  }

  private func remake() {
    do {
      let session = try make()
      let generation = (try? session.ledger.generation()).map { "\($0.id) \($0.count)" }
      let now = Monotonic.now()
      let isSame = state.withLock { state in
        state.generation == generation && !state.pages.isEmpty && now - state.madeAt < Self.most
      }
      if isSame { return }
      let chosen = Array(0..<session.graph.instanceCount)
      var gathering = try ReportGathering(session: session, survey: try session.survey(chosen), chosen: chosen)
      var time = timespec()
      clock_gettime(CLOCK_REALTIME, &time)
      var site = try gathering.site(title: title, written: Int64(time.tv_sec) * 1_000_000_000)
      site.isServed = true
      let pages = Dictionary(site.pages().map { ($0.path, $0.bytes) }, uniquingKeysWith: { first, _ in first })
      let pictures = Dictionary(
        gathering.pictures.map { ($0.file, (digest: $0.digest, type: Self.type(of: $0.file))) },
        uniquingKeysWith: { first, _ in first })
      let store = session.store
      state.withLock { state in
        state = State(
          pages: pages, pictures: pictures, store: store, generation: generation, madeAt: Monotonic.now())
      }
    } catch {
      // The pages that there are stay.
      state.withLock { state in
        state.problem = "\(error)"
        state.madeAt = Monotonic.now()
      }
    }
  }

  private static func type(of file: String) -> String {
    switch file.split(separator: ".").last {
    case "svg": "image/svg+xml"
    case "png": "image/png"
    case "jpg": "image/jpeg"
    case "gif": "image/gif"
    case "webp": "image/webp"
    default: "application/octet-stream"
    }
  }
}
