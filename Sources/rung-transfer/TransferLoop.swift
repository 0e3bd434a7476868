import CCurl
import Glibc
import RungWire

/// All transfers at once, on one thread: what `rung` asks comes in, libcurl moves it, and the answers go out.
final class TransferLoop {
  private static let input: Int32 = 0
  private static let output: Int32 = 1
  /// More than this waits for `rung` only where it does not read.
  private static let mostWaiting = 1 << 20

  private let multi = curl_multi_init()
  private let reader = FrameReader()
  let writer = FrameWriter()
  private(set) var settings: [TransferTalk.Setting: String] = [:]
  private var connections = 8
  private var isGreeted = false
  private var lookedAt: Int64 = 0

  private var waiting: [Transfer] = []
  private var nextWaiting = 0
  private var active: [UInt32: Transfer] = [:]
  // Those that wait for `rung` to read.
  private var held: [Transfer] = []
  private var idle: [UnsafeMutableRawPointer] = []

  /// Works until the input ends; gives the exit code.
  func run() -> Int32 {
    do throws(WireError) {
      while true {
        startWaiting()
        var running: Int32 = 0
        curl_multi_perform(multi, &running)
        collect()
        giveUp()
        try writer.write(to: Self.output, flags: Int32(MSG_DONTWAIT))
        release()
        if active.count < connections, nextWaiting < waiting.count { continue }
        poll()
        while try reader.fill(from: Self.input, isReady()) { while let frame = try reader.next() { try take(frame) } }
      }
    } catch {
      return error == .closed ? 0 : 70
    }
  }

  /// True when no more should be taken from connections for now; the transfer is told when that is over.
  func isFull(for transfer: Transfer) -> Bool {
    guard writer.waiting > Self.mostWaiting else { return false }
    held.append(transfer)
    return true
  }

  private func isReady() -> Bool {
    var input = pollfd(fd: Self.input, events: Int16(POLLIN), revents: 0)
    return Glibc.poll(&input, 1, 0) > 0
  }

  private func poll() {
    var sockets = [
      curl_waitfd(fd: Self.input, events: Int16(CURL_WAIT_POLLIN), revents: 0),
      curl_waitfd(fd: Self.output, events: Int16(CURL_WAIT_POLLOUT), revents: 0),
    ]
    var ready: Int32 = 0
    curl_multi_poll(multi, &sockets, writer.waiting > 0 ? 2 : 1, 1000, &ready)
  }

  private func take(_ frame: Frame) throws(WireError) {
    var body = WireReader(frame.body)
    guard let ask = TransferTalk.Ask(rawValue: frame.kind), isGreeted || ask == .hello else { throw .nonsense }
    switch ask {
    case .hello:
      guard let version: UInt32 = body.number(), version == TransferTalk.version else { throw .nonsense }
      while let name = body.text(), let value = body.text() {
        if let setting = TransferTalk.Setting(rawValue: name) { settings[setting] = value }
      }
      connections = max(1, min(64, settings[.connections].flatMap { Int($0) } ?? 8))
      rung_curl_set_connections(multi, connections)
      isGreeted = true
      var answer = WireWriter()
      answer.add(TransferTalk.version)
      answer.add(String(cString: curl_version()))
      writer.add(TransferTalk.Answer.hello.rawValue, 0, answer.bytes)
    case .start:
      guard active[frame.request] == nil, let transfer = Transfer(frame.request, &body, loop: self) else {
        throw .nonsense
      }
      waiting.append(transfer)
    case .body: active[frame.request]?.take(frame.body)
    case .cancel:
      if let transfer = active[frame.request] {
        end(transfer, CURLE_ABORTED_BY_CALLBACK)
      } else if let index = waiting[nextWaiting...].firstIndex(where: { $0.number == frame.request }) {
        let transfer = waiting.remove(at: index)
        tell(transfer, CURLE_ABORTED_BY_CALLBACK)
      }
    }
  }

  private func startWaiting() {
    while active.count < connections, nextWaiting < waiting.count {
      let transfer = waiting[nextWaiting]
      nextWaiting += 1
      if nextWaiting == waiting.count {
        waiting.removeAll(keepingCapacity: true)
        nextWaiting = 0
      }
      guard let easy = idle.popLast() ?? curl_easy_init() else {
        tell(transfer, CURLE_OUT_OF_MEMORY)
        continue
      }
      transfer.prepare(easy)
      active[transfer.number] = transfer
      curl_multi_add_handle(multi, easy)
    }
  }

  private func collect() {
    var result = CURLE_OK
    while let easy = rung_curl_next_over(multi, &result) {
      guard let context = rung_curl_context(easy) else { continue }
      end(Unmanaged<Transfer>.fromOpaque(context).takeUnretainedValue(), result)
    }
  }

  private func end(_ transfer: Transfer, _ result: CURLcode) {
    tell(transfer, result)
    active[transfer.number] = nil
    held.removeAll { $0 === transfer }
    guard let easy = transfer.easy else { return }
    curl_multi_remove_handle(multi, easy)
    transfer.forget()
    curl_easy_reset(easy)
    idle.append(easy)
  }

  private func tell(_ transfer: Transfer, _ result: CURLcode) {
    var answer = WireWriter()
    answer.add(UInt32(transfer.isTooLong ? CURLE_FILESIZE_EXCEEDED.rawValue : result.rawValue))
    answer.add(UInt32(transfer.easy.map { rung_curl_status($0) } ?? 0))
    answer.add(UInt32(truncatingIfNeeded: transfer.easy.map { rung_curl_distrust($0) } ?? 0))
    answer.add(transfer.words(for: result))
    writer.add(TransferTalk.Answer.over.rawValue, transfer.number, answer.bytes)
  }

  // Ends those of which nothing has moved for too long.
  private func giveUp() {
    let now = Self.now()
    guard now - lookedAt >= 200 else { return }
    lookedAt = now
    for transfer in active.values.filter({ $0.isStalled(at: now) }) { end(transfer, CURLE_OPERATION_TIMEDOUT) }
  }

  /// The time since the system started, in milliseconds.
  static func now() -> Int64 {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
  }

  // Goes on with those that were held, once `rung` has read.
  private func release() {
    guard !held.isEmpty, writer.waiting < Self.mostWaiting / 2 else { return }
    let ready = held
    held = []
    for transfer in ready { transfer.goOn() }
  }
}

extension FrameReader {
  // Reads when there is something to read, so that the descriptor itself may be one that blocks.
  fileprivate func fill(from descriptor: Int32, _ isReady: Bool) throws(WireError) -> Bool {
    isReady ? try fill(from: descriptor) : false
  }
}
