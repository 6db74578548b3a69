package mllibpy.kernel.cluster

/** Of dense float32 rows, `stride` apart. */
private final class DenseSingleSearch(
    x: Array[Float],
    rows: Int,
    stride: Int,
    features: Int,
    arithmetic: CentreTiles
) extends Search {
  private val lanes = arithmetic.singleLanes
  private val scores = new Array[Float](CentreTiles.Rows * CentreTiles.SingleWidth)
  private val bests = new Array[Float](Search.Tile * lanes)
  private val seconds = new Array[Float](Search.Tile * lanes)
  private val codes = new Array[Float](Search.Tile * lanes)
  private lazy val gathered = new Array[Float](Search.Tile * stride)
  // Where the tile's rows are.
  private var tile = x
  private var at = 0

  val epsilon: Double = Math.pow(2, -24)
  def panelWidth: Int = CentreTiles.SingleWidth

  def take(from: Int, count: Int): Unit = {
    n = count
    // Groups of rows are whole: what stands behind the block's last row must not be read.
    if (from + Search.whole(count) <= rows) {
      tile = x
      at = from * stride
    } else {
      tile = gathered
      at = 0
      System.arraycopy(x, from * stride, gathered, 0, count * stride)
    }
  }

  def gather(of: Array[Int], from: Int, count: Int): Unit = {
    n = count
    tile = gathered
    at = 0
    var r = 0
    while (r < count) {
      System.arraycopy(x, of(from + r) * stride, gathered, r * stride, stride)
      r += 1
    }
  }

  def find(centres: Centres, from: Int, until: Int, two: Boolean): Unit = {
    val panels = centres.singles
    java.util.Arrays.fill(bests, Float.NegativeInfinity)
    java.util.Arrays.fill(codes, 0f)
    if (two) java.util.Arrays.fill(seconds, Float.NegativeInfinity)
    var panel = from
    while (panel < until) {
      val p = panel * CentreTiles.SingleWidth * (features + 1)
      val width = Math.min(CentreTiles.SingleWidth, centres.k - panel * CentreTiles.SingleWidth)
      val code = panel * CentreTiles.SingleWidth / lanes
      var r = 0
      while (r < n) {
        arithmetic.scores(tile, at + r * stride, stride, features, panels, p, width, scores)
        if (two) arithmetic.keepTwo(scores, width, code, bests, codes, seconds, r * lanes)
        else arithmetic.keep(scores, width, code, bests, codes, r * lanes)
        r += CentreTiles.Rows
      }
      panel += 1
    }
    var r = 0
    while (r < n) { settle(r, two); r += 1 }
  }

  /** The best of a row's lanes. */
  private def settle(r: Int, two: Boolean): Unit = {
    val from = r * lanes
    var b = bests(from)
    var lane = 0
    var i = 1
    while (i < lanes) {
      val v = bests(from + i)
      if (v > b || (v == b && codes(from + i) < codes(from + lane))) {
        b = v
        lane = i
      }
      i += 1
    }
    best(r) = b
    which(r) = codes(from + lane).toInt * lanes + lane
    if (two) {
      var s = seconds(from + lane)
      i = 0
      while (i < lanes) {
        if (i != lane && bests(from + i) > s) s = bests(from + i)
        i += 1
      }
      second(r) = s
    }
  }

  /** Four sums, so that an addition need not wait for the one before. */
  def squared(row: Int, point: Array[Double], at: Int, square: Double, by: Double): Double = {
    var (a, b, c, d) = (0.0, 0.0, 0.0, 0.0)
    val o = row * stride
    var f = 0
    while (f + 4 <= features) {
      val (p, q) = (by * x(o + f) - point(at + f), by * x(o + f + 1) - point(at + f + 1))
      val (r, s) = (by * x(o + f + 2) - point(at + f + 2), by * x(o + f + 3) - point(at + f + 3))
      a += p * p
      b += q * q
      c += r * r
      d += s * s
      f += 4
    }
    while (f < features) {
      val p = by * x(o + f) - point(at + f)
      a += p * p
      f += 1
    }
    (a + b) + (c + d)
  }

  def length(row: Int): Double = {
    var (a, b) = (0.0, 0.0)
    var o = row * stride
    val end = o + features
    while (o + 2 <= end) {
      val (p, q) = (x(o).toDouble, x(o + 1).toDouble)
      a += p * p
      b += q * q
      o += 2
    }
    if (o < end) a += x(o).toDouble * x(o).toDouble
    Math.sqrt(a + b)
  }

  def score(row: Int, centres: Centres, c: Int): Double =
    centres.singles(centres.base(c, CentreTiles.SingleWidth)) +
      arithmetic.dot(x, row * stride, centres.singleRows, c * stride, stride)

  def each(centres: Centres, out: Array[Double]): Unit = {
    var r = 0
    while (r < n) {
      arithmetic.scores(
        tile,
        at + r * stride,
        stride,
        features,
        centres.singles,
        0,
        centres.k,
        scores
      )
      var i = 0
      while (i < CentreTiles.Rows) {
        var c = 0
        while (c < centres.k) {
          out((r + i) * centres.k + c) = scores(i * CentreTiles.SingleWidth + c); c += 1
        }
        i += 1
      }
      r += CentreTiles.Rows
    }
  }
}

/** Of dense float64 rows, `stride` apart. */
private final class DenseDoubleSearch(
    x: Array[Double],
    rows: Int,
    stride: Int,
    features: Int,
    arithmetic: CentreTiles
) extends Search {
  private val lanes = arithmetic.doubleLanes
  private val scores = new Array[Double](CentreTiles.Rows * CentreTiles.DoubleWidth)
  private val bests = new Array[Double](Search.Tile * lanes)
  private val seconds = new Array[Double](Search.Tile * lanes)
  private val codes = new Array[Double](Search.Tile * lanes)
  private lazy val gathered = new Array[Double](Search.Tile * stride)
  // Where the tile's rows are.
  private var tile = x
  private var at = 0

  val epsilon: Double = Math.pow(2, -53)
  def panelWidth: Int = CentreTiles.DoubleWidth

  def take(from: Int, count: Int): Unit = {
    n = count
    // Groups of rows are whole: what stands behind the block's last row must not be read.
    if (from + Search.whole(count) <= rows) {
      tile = x
      at = from * stride
    } else {
      tile = gathered
      at = 0
      System.arraycopy(x, from * stride, gathered, 0, count * stride)
    }
  }

  def gather(of: Array[Int], from: Int, count: Int): Unit = {
    n = count
    tile = gathered
    at = 0
    var r = 0
    while (r < count) {
      System.arraycopy(x, of(from + r) * stride, gathered, r * stride, stride)
      r += 1
    }
  }

  def find(centres: Centres, from: Int, until: Int, two: Boolean): Unit = {
    val panels = centres.doubles
    java.util.Arrays.fill(bests, Double.NegativeInfinity)
    java.util.Arrays.fill(codes, 0.0)
    if (two) java.util.Arrays.fill(seconds, Double.NegativeInfinity)
    var panel = from
    while (panel < until) {
      val p = panel * CentreTiles.DoubleWidth * (features + 1)
      val width = Math.min(CentreTiles.DoubleWidth, centres.k - panel * CentreTiles.DoubleWidth)
      val code = panel * CentreTiles.DoubleWidth / lanes
      var r = 0
      while (r < n) {
        arithmetic.scores(tile, at + r * stride, stride, features, panels, p, width, scores)
        if (two) arithmetic.keepTwo(scores, width, code, bests, codes, seconds, r * lanes)
        else arithmetic.keep(scores, width, code, bests, codes, r * lanes)
        r += CentreTiles.Rows
      }
      panel += 1
    }
    var r = 0
    while (r < n) { settle(r, two); r += 1 }
  }

  /** The best of a row's lanes. */
  private def settle(r: Int, two: Boolean): Unit = {
    val from = r * lanes
    var b = bests(from)
    var lane = 0
    var i = 1
    while (i < lanes) {
      val v = bests(from + i)
      if (v > b || (v == b && codes(from + i) < codes(from + lane))) {
        b = v
        lane = i
      }
      i += 1
    }
    best(r) = b
    which(r) = codes(from + lane).toInt * lanes + lane
    if (two) {
      var s = seconds(from + lane)
      i = 0
      while (i < lanes) {
        if (i != lane && bests(from + i) > s) s = bests(from + i)
        i += 1
      }
      second(r) = s
    }
  }

  /** Four sums, so that an addition need not wait for the one before. */
  def squared(row: Int, point: Array[Double], at: Int, square: Double, by: Double): Double = {
    var (a, b, c, d) = (0.0, 0.0, 0.0, 0.0)
    val o = row * stride
    var f = 0
    while (f + 4 <= features) {
      val (p, q) = (by * x(o + f) - point(at + f), by * x(o + f + 1) - point(at + f + 1))
      val (r, s) = (by * x(o + f + 2) - point(at + f + 2), by * x(o + f + 3) - point(at + f + 3))
      a += p * p
      b += q * q
      c += r * r
      d += s * s
      f += 4
    }
    while (f < features) {
      val p = by * x(o + f) - point(at + f)
      a += p * p
      f += 1
    }
    (a + b) + (c + d)
  }

  def length(row: Int): Double = {
    var (a, b) = (0.0, 0.0)
    var o = row * stride
    val end = o + features
    while (o + 2 <= end) {
      val (p, q) = (x(o), x(o + 1))
      a += p * p
      b += q * q
      o += 2
    }
    if (o < end) a += x(o) * x(o)
    Math.sqrt(a + b)
  }

  def score(row: Int, centres: Centres, c: Int): Double =
    centres.doubles(centres.base(c, CentreTiles.DoubleWidth)) +
      arithmetic.dot(x, row * stride, centres.doubleRows, c * stride, stride)

  def each(centres: Centres, out: Array[Double]): Unit = {
    var r = 0
    while (r < n) {
      arithmetic.scores(
        tile,
        at + r * stride,
        stride,
        features,
        centres.doubles,
        0,
        centres.k,
        scores
      )
      var i = 0
      while (i < CentreTiles.Rows) {
        var c = 0
        while (c < centres.k) {
          out((r + i) * centres.k + c) = scores(i * CentreTiles.DoubleWidth + c); c += 1
        }
        i += 1
      }
      r += CentreTiles.Rows
    }
  }
}
