(function () {
  var root = document.documentElement;
  var dark = window.matchMedia("(prefers-color-scheme: dark)");
  function chosen() {
    var found = document.cookie.match(/(?:^|; )heddle_theme=(light|dark)/);
    return found ? found[1] : "auto";
  }
  function apply() {
    var choice = chosen();
    root.dataset.theme = choice === "auto" ? (dark.matches ? "dark" : "light") : choice;
    root.dataset.themeChoice = choice;
    if (window.Quasar) window.Quasar.Dark.set(root.dataset.theme === "dark");
  }
  window.heddleTheme = {
    choose: function (choice) {
      var life = choice === "auto" ? 0 : 31536000;
      document.cookie = "heddle_theme=" + choice + "; path=/; samesite=lax; max-age=" + life;
      apply();
    },
  };
  dark.addEventListener("change", apply);
  apply();
})();
