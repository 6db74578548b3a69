import java.util.ArrayList;
import java.util.List;
import mllibpy.algorithm.als.Als;
import mllibpy.algorithm.als.AlsModel;
import mllibpy.algorithm.als.AlsParams;
import mllibpy.algorithm.als.Rating;
import mllibpy.algorithm.als.Ratings;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.sql.SparkSession;

/** ALS from Java: a JavaRDD of ratings in, predictions out. */
public final class JavaAls {
  private JavaAls() {}

  public static void main(String[] args) {
    SparkSession spark =
        SparkSession.builder().master("local[2]").appName("JavaAls").getOrCreate();
    List<Rating> triples = new ArrayList<>();
    for (long user = 1; user <= 20; user++) {
      for (long item = 1; item <= 15; item++) {
        if ((user + item) % 3 != 0) {
          triples.add(new Rating(user, item, (user + item) % 2 == 0 ? 5f : 1f));
        }
      }
    }
    JavaRDD<Rating> rdd = new JavaSparkContext(spark.sparkContext()).parallelize(triples);
    Ratings ratings = Ratings.ofJava(rdd);
    AlsModel model = Als.fit(ratings, AlsParams.apply().set("rank", 2).set("max_iter", 20));
    float predicted = model.predict(model.users().rowOf(1L), model.items().rowOf(2L));
    System.out.printf(
        "RMSE %.4f, user 1 and item 2: %.2f%n", model.score(ratings).rmse(), predicted);
  }
}
