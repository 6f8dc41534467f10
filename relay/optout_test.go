package relay

import "testing"

func TestAMessageThatIsNothingButAWordIsAWish(t *testing.T) {
	for text, want := range map[string]wish{
		"STOP": wantsOut, "stop": wantsOut, " Stop. ": wantsOut, "*STOP!*": wantsOut, "«Stop»": wantsOut, "stop all": wantsOut, "ＳＴＯＰ": wantsOut,
		"Unsubscribe": wantsOut, "opt-out": wantsOut, "Baja": wantsOut, "dar de baja": wantsOut, "¡Alto!": wantsOut, "sair": wantsOut, "Cancelár": wantsOut,
		"退订": wantsOut, "退订。": wantsOut, "取消订阅": wantsOut, "td": wantsOut, "Stop promotions": wantsOut,
		"START": wantsIn, "unstop": wantsIn, "Alta": wantsIn, "voltar": wantsIn, "订阅": wantsIn,
		"": noWish, ".": noWish, "please stop": noWish, "stop it": noWish, "non-stop": noWish, "Yes": noWish, "no": noWish, "stopp": noWish,
		"The bus STOP is here": noWish, "ST\x00O\xffP": wantsOut, "STOP" + string(make([]byte, 1<<20)): noWish,
	} {
		if got := wishOf(text); got != want {
			t.Errorf("%.40q: got %d, want %d", text, got, want)
		}
	}
}
