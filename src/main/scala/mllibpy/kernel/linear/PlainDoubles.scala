package mllibpy.kernel.linear

/** [[DenseDoubles]] in plain loops. */
object PlainDoubles extends DenseDoubles {
  def margins(
      x: Array[Double],
      stride: Int,
      from: Int,
      n: Int,
      w: Array[Double],
      out: Array[Double]
  ): Unit = margins(x, stride, from, n, w, 1, out)

  def accumulate(
      x: Array[Double],
      stride: Int,
      from: Int,
      n: Int,
      c: Array[Double],
      sums: Array[Double]
  ): Unit = accumulate(x, stride, from, n, c, 1, sums)

  def margins(
      x: Array[Double],
      stride: Int,
      from: Int,
      n: Int,
      w: Array[Double],
      models: Int,
      out: Array[Double]
  ): Unit = {
    java.util.Arrays.fill(out, 0, n * models, 0.0)
    var r = 0
    while (r < n) {
      var f = 0
      while (f < stride) {
        val v = x((from + r) * stride + f)
        var j = 0
        while (j < models) { out(r * models + j) += v * w(f * models + j); j += 1 }
        f += 1
      }
      r += 1
    }
  }

  def accumulate(
      x: Array[Double],
      stride: Int,
      from: Int,
      n: Int,
      c: Array[Double],
      models: Int,
      sums: Array[Double]
  ): Unit = {
    var r = 0
    while (r < n) {
      var f = 0
      while (f < stride) {
        val v = x((from + r) * stride + f)
        var j = 0
        while (j < models) { sums(f * models + j) += v * c(r * models + j); j += 1 }
        f += 1
      }
      r += 1
    }
  }

  def gram(x: Array[Double], stride: Int, n: Int, sums: Array[Double]): Unit = {
    var f = 0
    while (f < stride) {
      var r = 0
      while (r < n) {
        val by = x(r * stride + f)
        var g = f
        while (g < stride) { sums(f * stride + g) += by * x(r * stride + g); g += 1 }
        r += 1
      }
      f += 1
    }
  }
}
