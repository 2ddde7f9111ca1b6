/// Dates as HTTP writes them: `Sun, 06 Nov 1994 08:49:37 GMT` (RFC 9110, 5.6.7).
package enum HTTPDate {
  /// Bytes of a date.
  package static let byteCount = 29

  private static let days: StaticString = "ThuFriSatSunMonTueWed"
  private static let months: StaticString = "JanFebMarAprMayJunJulAugSepOctNovDec"

  /// Writes a date.
  ///
  /// - Parameter seconds: Since 1970; what is before that, or after the year 9999, is clamped.
  /// - Returns: ASCII, ``byteCount`` bytes.
  package static func format(_ seconds: Int) -> [UInt8] {
    let seconds = min(max(0, seconds), 253_402_300_799)
    let day = seconds / 86400
    let time = seconds % 86400
    let (year, month, dayOfMonth) = civil(day)
    var text: [UInt8] = []
    text.reserveCapacity(byteCount)
    text += name(days, day % 7)
    text += [UInt8(ascii: ","), .space] + digits(dayOfMonth) + [.space]
    text += name(months, month - 1)
    text += [.space] + digits(year / 100) + digits(year % 100) + [.space]
    text += digits(time / 3600) + [UInt8(ascii: ":")] + digits(time / 60 % 60)
    text += [UInt8(ascii: ":")] + digits(time % 60) + Array(" GMT".utf8)
    return text
  }

  /// Reads a date in the form that is written today.
  ///
  /// - Returns: Seconds since 1970; `nil` if it is none.
  package static func parse(_ text: UnsafeRawBufferPointer) -> Int? {
    guard text.count == byteCount, let day = number(text, 5, 2), let year = number(text, 12, 4),
      let hour = number(text, 17, 2), let minute = number(text, 20, 2),
      let second = number(text, 23, 2)
    else { return nil }
    let month = (1...12).first { name(months, $0 - 1).elementsEqual(text[8..<11]) }
    guard let month, year >= 1970, hour < 24, minute < 60, second <= 60 else { return nil }
    let seconds = days(year, month, day) * 86400 + hour * 3600 + minute * 60 + second
    // Written again it must be the same: that checks the day, its name and all between. (A leap
    // second is none that we would write.)
    guard format(seconds).elementsEqual(text) else { return nil }
    return seconds
  }

  private static func name(_ names: StaticString, _ index: Int) -> UnsafeBufferPointer<UInt8> {
    UnsafeBufferPointer(start: names.utf8Start + 3 * index, count: 3)
  }

  private static func digits(_ number: Int) -> [UInt8] {
    [UInt8(ascii: "0") + UInt8(number / 10), UInt8(ascii: "0") + UInt8(number % 10)]
  }

  private static func number(_ text: UnsafeRawBufferPointer, _ start: Int, _ count: Int) -> Int? {
    var number = 0
    for index in start..<start + count {
      guard let digit = text[index].digit else { return nil }
      number = number * 10 + digit
    }
    return number
  }

  // The two below count years from March, so that the leap day is the last of its year, and in
  // cycles of 400 years, which have 146,097 days. Day 0 is 1970-01-01; 719,468 days before is
  // 0000-03-01.

  private static func civil(_ day: Int) -> (year: Int, month: Int, day: Int) {
    let sinceMarch = day + 719_468
    let cycle = sinceMarch / 146_097
    let dayOfCycle = sinceMarch % 146_097
    let yearOfCycle =
      (dayOfCycle - dayOfCycle / 1460 + dayOfCycle / 36524 - dayOfCycle / 146_096) / 365
    let dayOfYear = dayOfCycle - (365 * yearOfCycle + yearOfCycle / 4 - yearOfCycle / 100)
    let month = (5 * dayOfYear + 2) / 153
    let isNextYear = month >= 10
    return (
      cycle * 400 + yearOfCycle + (isNextYear ? 1 : 0), isNextYear ? month - 9 : month + 3,
      dayOfYear - (153 * month + 2) / 5 + 1
    )
  }

  private static func days(_ year: Int, _ month: Int, _ day: Int) -> Int {
    let year = month <= 2 ? year - 1 : year
    let yearOfCycle = year % 400
    let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
    let dayOfCycle = yearOfCycle * 365 + yearOfCycle / 4 - yearOfCycle / 100 + dayOfYear
    return year / 400 * 146_097 + dayOfCycle - 719_468
  }
}
