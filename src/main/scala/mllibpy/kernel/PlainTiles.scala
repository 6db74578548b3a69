package mllibpy.kernel

/** [[Tiles]] in plain loops. */
object PlainTiles extends Tiles {
  def multiply(
      a: Array[Double],
      at: Int,
      row: Int,
      step: Int,
      rows: Int,
      n: Int,
      b: Array[Double],
      bAt: Int,
      down: Int,
      columns: Int,
      c: Array[Double],
      cAt: Int,
      across: Int
  ): Unit = {
    var i = 0
    while (i < rows) {
      val o = cAt + i * across
      var e = 0
      while (e < n) {
        val by = a(at + i * row + e * step)
        val q = bAt + e * down
        var j = 0
        while (j < columns) { c(o + j) += by * b(q + j); j += 1 }
        e += 1
      }
      i += 1
    }
  }

  def multiply(
      a: Array[Float],
      at: Int,
      row: Int,
      step: Int,
      rows: Int,
      n: Int,
      b: Array[Float],
      bAt: Int,
      down: Int,
      columns: Int,
      c: Array[Float],
      cAt: Int,
      across: Int
  ): Unit = {
    var i = 0
    while (i < rows) {
      val o = cAt + i * across
      var e = 0
      while (e < n) {
        val by = a(at + i * row + e * step)
        val q = bAt + e * down
        var j = 0
        while (j < columns) { c(o + j) += by * b(q + j); j += 1 }
        e += 1
      }
      i += 1
    }
  }

  def gather(
      columns: Array[Int],
      values: Array[Double],
      from: Int,
      end: Int,
      w: Array[Double],
      width: Int,
      y: Array[Double],
      yAt: Int
  ): Unit = {
    var e = from
    while (e < end) {
      val at = columns(e) * width
      var j = 0
      while (j < width) { y(yAt + j) += values(e) * w(at + j); j += 1 }
      e += 1
    }
  }

  def scatter(
      columns: Array[Int],
      values: Array[Double],
      from: Int,
      end: Int,
      y: Array[Double],
      yAt: Int,
      width: Int,
      sums: Array[Double]
  ): Unit = {
    var e = from
    while (e < end) {
      val at = columns(e) * width
      var j = 0
      while (j < width) { sums(at + j) += values(e) * y(yAt + j); j += 1 }
      e += 1
    }
  }
}
