package mllibpy.kernel.cluster

/** [[CentreTiles]] in plain loops. */
object PlainCentreTiles extends CentreTiles {
  def singleLanes: Int = 16

  def scores(
      x: Array[Float],
      at: Int,
      stride: Int,
      features: Int,
      panel: Array[Float],
      p: Int,
      width: Int,
      out: Array[Float]
  ): Unit = {
    val w = CentreTiles.SingleWidth
    var r = 0
    while (r < CentreTiles.Rows) {
      System.arraycopy(panel, p, out, r * w, w)
      var j = 0
      while (j < features) {
        val v = x(at + r * stride + j)
        val o = p + (j + 1) * w
        var i = 0
        while (i < w) { out(r * w + i) += v * panel(o + i); i += 1 }
        j += 1
      }
      r += 1
    }
  }

  def keep(
      scores: Array[Float],
      width: Int,
      code: Int,
      best: Array[Float],
      which: Array[Float],
      at: Int
  ): Unit = {
    val lanes = singleLanes
    var r = 0
    while (r < CentreTiles.Rows) {
      var i = 0
      while (i < width) {
        val o = at + r * lanes + i % lanes
        val v = scores(r * CentreTiles.SingleWidth + i)
        if (v > best(o)) {
          best(o) = v
          which(o) = (code + i / lanes).toFloat
        }
        i += 1
      }
      r += 1
    }
  }

  def keepTwo(
      scores: Array[Float],
      width: Int,
      code: Int,
      best: Array[Float],
      which: Array[Float],
      second: Array[Float],
      at: Int
  ): Unit = {
    val lanes = singleLanes
    var r = 0
    while (r < CentreTiles.Rows) {
      var i = 0
      while (i < width) {
        val o = at + r * lanes + i % lanes
        val v = scores(r * CentreTiles.SingleWidth + i)
        if (v > best(o)) {
          second(o) = best(o)
          best(o) = v
          which(o) = (code + i / lanes).toFloat
        } else if (v > second(o)) second(o) = v
        i += 1
      }
      r += 1
    }
  }

  def doubleLanes: Int = 8

  def scores(
      x: Array[Double],
      at: Int,
      stride: Int,
      features: Int,
      panel: Array[Double],
      p: Int,
      width: Int,
      out: Array[Double]
  ): Unit = {
    val w = CentreTiles.DoubleWidth
    var r = 0
    while (r < CentreTiles.Rows) {
      System.arraycopy(panel, p, out, r * w, w)
      var j = 0
      while (j < features) {
        val v = x(at + r * stride + j)
        val o = p + (j + 1) * w
        var i = 0
        while (i < w) { out(r * w + i) += v * panel(o + i); i += 1 }
        j += 1
      }
      r += 1
    }
  }

  def keep(
      scores: Array[Double],
      width: Int,
      code: Int,
      best: Array[Double],
      which: Array[Double],
      at: Int
  ): Unit = {
    val lanes = doubleLanes
    var r = 0
    while (r < CentreTiles.Rows) {
      var i = 0
      while (i < width) {
        val o = at + r * lanes + i % lanes
        val v = scores(r * CentreTiles.DoubleWidth + i)
        if (v > best(o)) {
          best(o) = v
          which(o) = (code + i / lanes).toDouble
        }
        i += 1
      }
      r += 1
    }
  }

  def keepTwo(
      scores: Array[Double],
      width: Int,
      code: Int,
      best: Array[Double],
      which: Array[Double],
      second: Array[Double],
      at: Int
  ): Unit = {
    val lanes = doubleLanes
    var r = 0
    while (r < CentreTiles.Rows) {
      var i = 0
      while (i < width) {
        val o = at + r * lanes + i % lanes
        val v = scores(r * CentreTiles.DoubleWidth + i)
        if (v > best(o)) {
          second(o) = best(o)
          best(o) = v
          which(o) = (code + i / lanes).toDouble
        } else if (v > second(o)) second(o) = v
        i += 1
      }
      r += 1
    }
  }

  def dot(x: Array[Float], at: Int, y: Array[Float], from: Int, n: Int): Double = {
    var sum = 0f
    var i = 0
    while (i < n) { sum += x(at + i) * y(from + i); i += 1 }
    sum.toDouble
  }

  def dot(x: Array[Double], at: Int, y: Array[Double], from: Int, n: Int): Double = {
    var sum = 0.0
    var i = 0
    while (i < n) { sum += x(at + i) * y(from + i); i += 1 }
    sum
  }

  def sparse(
      values: Array[Double],
      columns: Array[Int],
      from: Int,
      until: Int,
      panel: Array[Double],
      p: Int,
      out: Array[Double],
      to: Int
  ): Unit = {
    val w = CentreTiles.DoubleWidth
    System.arraycopy(panel, p, out, to, w)
    var e = from
    while (e < until) {
      val o = p + (columns(e) + 1) * w
      var i = 0
      while (i < w) { out(to + i) += values(e) * panel(o + i); i += 1 }
      e += 1
    }
  }
}
