package console

func (c *Console) contactRoutes() []route { return nil }
