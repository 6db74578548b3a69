package mllibpy.kernel

/** [[Arithmetic]] in plain loops: the definition that the vector kernels are tested against. */
object PlainArithmetic extends Arithmetic {
  def name: String = "plain"

  def gather(
      fixed: Array[Float],
      stride: Int,
      offset: Int,
      width: Int,
      columns: Array[Int],
      from: Int,
      n: Int,
      scale: Array[Float],
      target: Array[Float],
      tile: Array[Float],
      rhs: Array[Float]
  ): Unit = {
    var r = 0
    while (r < n) {
      val y = columns(from + r) * stride + offset
      val s = if (scale == null) 1f else scale(from + r)
      val t = target(from + r)
      var j = 0
      while (j < width) {
        if (tile.length > 0) tile(r * width + j) = s * fixed(y + j)
        rhs(j) += t * fixed(y + j)
        j += 1
      }
      r += 1
    }
  }

  def symmetricUpdate(
      a: Array[Float],
      stride: Int,
      tile: Array[Float],
      offset: Int,
      n: Int,
      add: Boolean
  ): Unit = {
    var i = 0
    while (i < stride) {
      var j = i
      while (j < stride) {
        var sum = 0f
        var o = offset
        val end = offset + n * stride
        while (o < end) { sum += tile(o + i) * tile(o + j); o += stride }
        a(i * stride + j) = if (add) a(i * stride + j) + sum else sum
        j += 1
      }
      i += 1
    }
  }

  def product(
      fixed: Array[Float],
      stride: Int,
      columns: Array[Int],
      n: Int,
      weight: Array[Float],
      v: Array[Float],
      out: Array[Float]
  ): Unit = {
    var e = 0
    while (e < n) {
      val y = columns(e) * stride
      val s = dot(fixed, y, v, 0, stride) * (if (weight == null) 1f else weight(e))
      var j = 0
      while (j < stride) { out(j) += s * fixed(y + j); j += 1 }
      e += 1
    }
  }

  def dots(
      fixed: Array[Float],
      stride: Int,
      offset: Int,
      width: Int,
      columns: Array[Int],
      n: Int,
      v: Array[Float],
      vFrom: Int,
      out: Array[Float],
      add: Boolean
  ): Unit = {
    var e = 0
    while (e < n) {
      val s = dot(fixed, columns(e) * stride + offset, v, vFrom, width)
      out(e) = if (add) out(e) + s else s
      e += 1
    }
  }

  def combine(
      g: Array[Float],
      stride: Int,
      from: Int,
      until: Int,
      v: Array[Float],
      vFrom: Int,
      out: Array[Float]
  ): Unit = {
    var i = from
    while (i < until) {
      var j = 0
      while (j < stride) { out(j) += v(vFrom + i) * g(i * stride + j); j += 1 }
      i += 1
    }
  }

  def scores(
      x: Array[Float],
      xFrom: Int,
      stride: Int,
      rank: Int,
      panel: Array[Float],
      p: Int,
      out: Array[Float]
  ): Unit = {
    var u = 0
    while (u < Arithmetic.PanelUsers) {
      var i = 0
      while (i < Arithmetic.PanelItems) {
        var sum = 0f
        var j = 0
        while (j < rank) {
          sum += x(xFrom + u * stride + j) * panel(p + j * Arithmetic.PanelItems + i)
          j += 1
        }
        out(u * Arithmetic.PanelItems + i) = sum
        i += 1
      }
      u += 1
    }
  }

  def anyAbove(numbers: Array[Float], at: Int, bar: Float): Boolean = {
    var any = false
    var i = at
    while (i < at + Arithmetic.PanelItems && !any) { any = numbers(i) > bar; i += 1 }
    any
  }

  def cholesky(a: Array[Float], stride: Int): Boolean = {
    val floor = Arithmetic.Singular * largestDiagonal(a, stride)
    var i = 0
    var ok = true
    while (i < stride && ok) {
      var j = i
      while (j < stride) {
        var sum = a(i * stride + j)
        var o = 0
        while (o < i) { sum -= a(o * stride + i) * a(o * stride + j); o += 1 }
        a(i * stride + j) = sum
        j += 1
      }
      val pivot = a(i * stride + i)
      ok = pivot > floor
      val inverse = (1.0 / Math.sqrt(pivot.toDouble)).toFloat
      j = i
      while (j < stride) { a(i * stride + j) *= inverse; j += 1 }
      i += 1
    }
    ok
  }

  private[kernel] def largestDiagonal(a: Array[Float], stride: Int): Float = {
    var top = 0f
    var i = 0
    while (i < stride) { top = Math.max(top, a(i * stride + i)); i += 1 }
    top
  }

  def solve(r: Array[Float], stride: Int, b: Array[Float]): Unit = {
    var i = 0
    while (i < stride) {
      val y = b(i) / r(i * stride + i)
      b(i) = y
      var j = i + 1
      while (j < stride) { b(j) -= y * r(i * stride + j); j += 1 }
      i += 1
    }
    backward(r, stride, b)
  }

  def backward(r: Array[Float], stride: Int, b: Array[Float]): Unit = {
    var i = stride - 1
    while (i >= 0) {
      var sum = b(i)
      var j = i + 1
      while (j < stride) { sum -= r(i * stride + j) * b(j); j += 1 }
      b(i) = sum / r(i * stride + i)
      i -= 1
    }
  }

  def dot(x: Array[Float], xFrom: Int, y: Array[Float], yFrom: Int, n: Int): Float = {
    var sum = 0f
    var i = 0
    while (i < n) { sum += x(xFrom + i) * y(yFrom + i); i += 1 }
    sum
  }
}
